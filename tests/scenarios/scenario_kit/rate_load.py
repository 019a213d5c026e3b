# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An open load of HTTP requests: bounded in number, and no slower because the answers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .processes import Program, started
from .waiting import wait_for

_PROGRAM = Path(__file__).with_name("rate_load_program.py")


class Pace(NamedTuple):
    """``rate`` requests a second on average, ``number`` in all, ``burst`` of them at once, each given up in the end."""

    rate: float
    number: int
    burst: int = 1
    patience_s: float = 60.0


@dataclass(frozen=True)
class RateLoad:
    """``count`` requests in all."""

    program: Program
    account: Path
    count: int

    def outcomes(self) -> Counter[str]:
        """How many requests have ended so far with which status or error."""
        return Counter(self.account.read_text().splitlines() if self.account.exists() else ())

    def wait(self, seconds: float) -> Counter[str]:
        """The account of all requests."""
        wait_for(lambda: not self.program.running(), seconds, f"{self.count} requests to end")
        outcomes = self.outcomes()
        assert sum(outcomes.values()) == self.count, self.program.tail()
        return outcomes


@contextmanager
def rate_load(folder: Path, python: str, port: int, pace: Pace) -> Iterator[RateLoad]:
    """Requests at that pace; what is left at the end of the block is dropped."""
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("load-*.log")))
    account = folder / f"load-{number}.txt"
    command: list[str | Path] = [python, _PROGRAM, str(port), *map(str, pace), account]
    with started(command, folder / f"load-{number}.log") as program:
        yield RateLoad(program, account, pace.number)
