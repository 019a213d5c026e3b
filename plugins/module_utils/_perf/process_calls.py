# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System calls of one process between two looks: how many, how many to wait or to move data, and which failed."""

from __future__ import annotations

import time
from collections import Counter as Tally
from typing import List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._perf import counter, syscall_numbers

#: Threads of one process that are followed; four counters each.
MOST_THREADS = 4
_FAILED = "ret < 0 && ret > -4096"


class Look(NamedTuple):
    """Counts since the look before. ``failed``: (number, errno) of those kept; ``failing`` counts the others too."""

    seconds: float
    total: int
    polls: int
    moved: int
    failing: int
    failed: Mapping[Tuple[int, int], int]


class _Thread(NamedTuple):
    """The counters of one thread."""

    total: counter.Counter
    polls: counter.Counter
    moved: counter.Counter
    failing: counter.Sampler

    def counts(self) -> List[int]:
        """All four, since the start."""
        return [one.count() for one in self]

    def close(self) -> None:
        """Count no more."""
        for one in self:
            one.close()


class ProcessCalls:
    """Follows these threads until closed; threads that start later are not seen. Raises OSError."""

    def __init__(self, tracepoint: int, table: Mapping[str, int], tids: Sequence[int]) -> None:
        self._threads: List[_Thread] = []
        try:
            for tid in tids:
                self._threads.append(_thread(tracepoint, table, tid))
        except OSError:
            self.close()
            raise
        self._when, self._counts = time.monotonic(), self._now()

    def _now(self) -> List[int]:
        return [sum(column) for column in zip(*(thread.counts() for thread in self._threads))] or [0, 0, 0, 0]

    def look(self) -> Look:
        """What happened since the last look, or since the beginning."""
        when, counts = time.monotonic(), self._now()
        total, polls, moved, failing = (now - before for now, before in zip(counts, self._counts))
        failed: Tally[Tuple[int, int]] = Tally()
        for thread in self._threads:
            failed.update((answer.number, -answer.returned) for answer in thread.failing.take())
        seconds = when - self._when
        self._when, self._counts = when, counts
        return Look(seconds, total, polls, moved, failing, failed)

    def close(self) -> None:
        """Count no more."""
        for thread in self._threads:
            thread.close()
        self._threads = []


def _thread(tracepoint: int, table: Mapping[str, int], tid: int) -> _Thread:
    opened: List[counter.Counter] = []
    try:
        opened.append(counter.Counter(tracepoint, tid, ""))
        opened.append(counter.Counter(tracepoint, tid, _one_of(table, syscall_numbers.POLLS)))
        opened.append(counter.Counter(tracepoint, tid, "ret > 0 && (%s)" % _one_of(table, syscall_numbers.MOVES)))
        return _Thread(opened[0], opened[1], opened[2], counter.Sampler(tracepoint, tid, _FAILED))
    except OSError:
        for one in opened:
            one.close()
        raise


def _one_of(table: Mapping[str, int], names: Sequence[str]) -> str:
    return " || ".join("id == %d" % table[name] for name in names if name in table)
