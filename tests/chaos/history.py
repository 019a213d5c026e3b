# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the victims of one epoch did and had, by their own diaries. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from .victim import diary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .diaries import Event

NEVER = 1 << 63

Held = tuple[int, int]
"""(pid, inode)"""


class Life(NamedTuple):
    """A forked process: when its parent forked, and when it was surely there, in monotonic ns."""

    forked: int
    begin: int


class History:
    """Look-ups over all events of an epoch."""

    def __init__(self, diaries_by_kind: Mapping[str, Iterable[Event]]) -> None:
        #: (pid, start time) -> kind of victim
        self.kinds: dict[tuple[int, int], str] = {}
        self.baits: dict[int, Event] = {}
        self.faults: list[tuple[str, Event]] = []
        self._told: dict[int, list[Event]] = defaultdict(list)
        self._first: dict[str, dict[Held, int]] = defaultdict(dict)
        self._forks: dict[int, list[tuple[int, Life]]] = defaultdict(list)
        self._bye: dict[tuple[int, int], int] = {}
        self._exec: dict[int, int] = {}
        for kind, events in diaries_by_kind.items():
            for event in events:
                self.kinds[event.pid, event.start_time] = kind
                self._take(kind, event)

    def story(self, inode: int, begin: int) -> str:
        """What happened to a socket, in ms from ``begin``."""
        told = sorted(self._told[inode])
        return ", ".join(f"{(event.time - begin) / 1e6:.1f} {event.pid} {event.name} {event.fd}" for event in told)

    def _take(self, kind: str, event: Event) -> None:
        self._told[event.inode].append(event)
        if event.name == diary.BAIT:
            self.baits[event.inode] = event
        elif event.name in {diary.FAULT, diary.STRANGER}:
            self.faults.append((kind, event))
        elif event.name == diary.BORN:
            parent, forked = event.note.split("@")
            self._forks[int(parent)].append((event.pid, Life(int(forked), event.time)))
        elif event.name == diary.BYE:
            self._bye[event.pid, event.start_time] = event.time
        elif event.name == diary.EXEC:
            self._exec.setdefault(event.pid, event.time)
        else:
            self._first[event.name].setdefault((event.pid, event.inode), event.time)

    def all(self, name: str) -> Iterable[Held]:
        """(pid, inode) of every event of that name."""
        return self._first[name]

    def when(self, name: str, pid: int, inode: int) -> int:
        """Time of the first such event, ``NEVER`` without one."""
        return self._first[name].get((pid, inode), NEVER)

    def ended(self, pid: int, start_time: int, moment: int) -> bool:
        """Whether the process was about to end by then, or is none of this epoch, whose victims have all ended."""
        known = (pid, start_time) in self.kinds
        return not known or self._bye.get((pid, start_time), NEVER) <= moment

    def replaced_itself(self, pid: int, moment: int) -> bool:
        """Whether another program was running in it by then."""
        return self._exec.get(pid, NEVER) <= moment

    def let_go(self, pid: int, inode: int, moment: int) -> bool:
        """Whether the process had closed the bait, or found it gone, by then."""
        names = (diary.REAP, diary.VANISHED, diary.DROP)
        return any(self.when(name, pid, inode) <= moment for name in names)

    def holders(self, inode: int, begin: int, end: int) -> set[int]:
        """Processes that had the bait during all of that time, unless somebody took it from them."""
        bait = self.baits[inode]
        found = {pid for pid, held in self.all(diary.GOT) if held == inode and self._kept(pid, inode, begin, end)}
        if bait.time < begin and not self.let_go(bait.pid, inode, end) and self._lives(bait.pid, end):
            found.add(bait.pid)
        return found | {pid for pid, life in self._forks[bait.pid] if self._inherited(pid, life, bait, begin, end)}

    def _kept(self, pid: int, inode: int, begin: int, end: int) -> bool:
        return self.when(diary.GOT, pid, inode) < begin and self.when(diary.DROP, pid, inode) > end

    def _inherited(self, pid: int, life: Life, bait: Event, begin: int, end: int) -> bool:
        had_it = bait.time < life.forked and not self.let_go(bait.pid, bait.inode, life.forked)
        return had_it and life.begin < begin and self._lives(pid, end)

    def _lives(self, pid: int, moment: int) -> bool:
        """Pids may be used again: any process of that pid that had said good-bye by then counts as ended."""
        return all(time > moment for (known, _start), time in self._bye.items() if known == pid)
