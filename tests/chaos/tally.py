# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts and figures of a campaign, as a table. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING

from . import cast
from .aims import FRESH
from .judge import DEAD, DONE, LEFT_BEHIND, LEFT_STOPPED, WRONG_CLOSE, WRONG_REPORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .history import History
    from .judge import Attempt, Fault

ENDED = "(ended)"
CALM = ("loop", "timers", "threads")
LONGEST_REASON = 60


class Tally:
    """``cells``: (outcome, kind of victim) -> attempts; an attempt is one target given to the module."""

    def __init__(self) -> None:
        self.cells: Counter[tuple[str, str]] = Counter()
        self.ways: Counter[tuple[str, bool]] = Counter()
        #: Fresh targets in victims that stay what they are, by whether they were closed.
        self.calm: Counter[bool] = Counter()
        self.reasons: Counter[str] = Counter()
        self.stops: list[float] = []
        self.call_s: list[float] = []
        self.faults: list[Fault] = []
        self.calls = Counter[str]()

    @property
    def attempts(self) -> int:
        """Targets so far."""
        return self.cells.total()

    def add(self, attempt: Attempt, history: History, how: str) -> None:
        """One call; ``how``: in process or by ansible."""
        self.calls[how] += 1
        ways = {(aim.row["pid"], aim.row["fd"]): aim.way for aim in attempt.aims}
        for row in attempt.answer.results:
            kind = history.kinds.get((row["pid"], row["start_time"]), ENDED)
            self.cells[row["outcome"], kind] += 1
            self.ways[ways[row["pid"], row["fd"]], row["outcome"] in DONE] += 1
            if kind in CALM and ways[row["pid"], row["fd"]] == FRESH:
                self.calm[row["outcome"] in DONE] += 1
            if row["outcome"] == "refused":
                self.reasons["".join("N" if c.isdigit() else c for c in row["reason"])[:LONGEST_REASON]] += 1
        self.call_s.append((attempt.answer.end - attempt.answer.begin) / 1e9)
        self.stops += [stop["stop_ms"] for stop in attempt.answer.stops]

    def share_calm(self) -> float:
        """Closed or replaced, of the fresh targets in victims that stay what they are."""
        return self.calm[True] / max(1, self.calm.total())

    def share_done(self, *ways: str) -> float:
        """Closed or replaced, of all attempts of these ways."""
        done = sum(self.ways[way, True] for way in ways)
        return done / max(1, done + sum(self.ways[way, False] for way in ways))

    def count(self, kind: str) -> int:
        """Faults of that kind."""
        return sum(fault.kind == kind for fault in self.faults)

    def lines(self) -> Iterator[str]:
        """The report."""
        kinds = [kind for kind in (*cast.KINDS, ENDED) if any(key[1] == kind for key in self.cells)]
        yield "".join(["outcome".ljust(12), *(kind.rjust(14) for kind in kinds), "all".rjust(8)])
        for outcome in sorted({key[0] for key in self.cells}):
            row = [self.cells[outcome, kind] for kind in kinds]
            yield "".join([outcome.ljust(12), *(str(count).rjust(14) for count in row), str(sum(row)).rjust(8)])
        yield f"attempts {self.attempts}, calls {dict(self.calls)}, stops {len(self.stops)}"
        if self.call_s:
            yield f"a call took {statistics.median(self.call_s):.1f} s (median), {max(self.call_s):.1f} s at most"
        ways = sorted({way for way, _done in self.ways})
        shares = [f"{way} {self.share_done(way):.0%}" for way in ways]
        yield f"closed or replaced: {', '.join(shares)}; fresh in {', '.join(CALM)}: {self.share_calm():.0%}"
        if self.stops:
            ordered = (min(self.stops), statistics.median(self.stops), max(self.stops))
            yield "stop in ms: min {:.1f}, median {:.1f}, max {:.1f}".format(*ordered)
        for reason, count in self.reasons.most_common(12):
            yield f"refused {count}: {reason}"
        names = (WRONG_CLOSE, DEAD, LEFT_STOPPED, LEFT_BEHIND, WRONG_REPORT)
        yield ", ".join(f"{name}: {self.count(name)}" for name in names)
