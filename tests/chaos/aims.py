# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fds are attempted: freshly gathered, gathered a while ago, and such as nobody should name."""

from __future__ import annotations

import os
import random
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FRESH, STALE, HOSTILE = WAYS = "fresh", "stale", "hostile"
HALF_CLOSED = ("CLOSE_WAIT", "CLOSE")
MAX_ITEMS = 400
REMEMBERED = 2000
LONGEST_DELAY_S = 0.8

Row = dict[str, Any]
T = TypeVar("T")


class Aim(NamedTuple):
    """``row``: a target as the module takes it. ``way``: fresh, stale or hostile."""

    row: Row
    way: str


class Aimer:
    """Chooses the targets of one attempt after another. ``strangers``: pids that are no victims."""

    def __init__(self, rng: random.Random, strangers: Iterable[int], most: int) -> None:
        self._rng = rng
        self._strangers = frozenset(strangers)
        self._most = most
        self._old: deque[Row] = deque(maxlen=REMEMBERED)

    def next(self, pids: list[int]) -> list[Aim]:
        """A batch, aimed at processes that descend from ``pids``; each number once."""
        aims = {(aim.row["pid"], aim.row["fd"]): aim for aim in self._batch(pids)}
        return list(aims.values())

    def _batch(self, pids: list[int]) -> list[Aim]:
        gathered, false_ghosts = self._gather()
        self._old.extend(self._some(gathered, 12))
        way = self._rng.choices((FRESH, STALE, HOSTILE), (60, 28, 12))[0]
        chosen = self._some(self._of_few(gathered), self._rng.randint(1, self._most))
        aims = [Aim(row, FRESH if way == FRESH else STALE) for row in chosen]
        if way == STALE:
            aims += [Aim(row, STALE) for row in self._some(self._old, 6)]
            # Numbers change hands, processes end, others begin.
            time.sleep(self._rng.uniform(0.0, LONGEST_DELAY_S))
        if way == HOSTILE:
            aims += [Aim(row, HOSTILE) for row in self._hostile(gathered, false_ghosts, pids)]
        return aims

    def _of_few(self, rows: list[Row]) -> list[Row]:
        """Those of a few processes, in most cases: each process takes time, and targets do not stay fresh."""
        pids = self._some({row["pid"] for row in rows}, self._rng.choice((1, 1, 2, 3, 100)))
        return [row for row in rows if row["pid"] in pids]

    def _some(self, rows: Iterable[T], most: int) -> list[T]:
        known = list(rows)
        return self._rng.sample(known, min(most, len(known)))

    def _gather(self) -> tuple[list[Row], list[Row]]:
        """What the collector of the product sees now, and ghosts that are none."""
        facts = tcp.collect(MAX_ITEMS)
        if facts["close_wait"] is None or facts["watchers"] is None:
            raise RuntimeError(f"the collector could not look: {facts['errors']}")
        suspects = facts["watchers"]["suspects"]
        rows = [*_half_closed(facts["close_wait"]["sockets"]), *_reset(suspects), *_ghosts(suspects, real=True)]
        wanted = [row for row in rows if row["pid"] not in self._strangers]
        return wanted, list(_ghosts(suspects, real=False))

    def _hostile(self, gathered: list[Row], false_ghosts: list[Row], pids: list[int]) -> Iterator[Row]:
        """Healthy sockets and files by their right names, and wrong names of all kinds."""
        yield from self._some(false_ghosts, 4)
        yield from self._some(_everything_of(self._rng.choice(pids)), 4)
        for row in self._some(gathered, 5):
            other = self._rng.choice(gathered)
            wrong = (
                {"fd": other["fd"]},
                {"fd": self._rng.randint(3, 40)},
                {"cookie": f"{self._rng.getrandbits(64):016x}"},
                {"start_time": row["start_time"] + 1},
                {"pid": other["pid"], "start_time": other["start_time"]},
                {"inode": other["inode"]},
            )
            yield {**row, **self._rng.choice(wrong)}


def _half_closed(sockets: list[Row]) -> Iterator[Row]:
    for sock in sockets:
        for holder in sock["holders"]:
            yield _row(holder, sock["inode"], sock["cookie"], ghost=False)


def _reset(suspects: list[Row]) -> Iterator[Row]:
    """What left every listing and is still open."""
    for watcher in suspects:
        if watcher["kind"] == "registered" and watcher["socket"] == {"state": "CLOSE"}:
            for holder in watcher["holders"]:
                yield _row(holder, watcher["inode"], None, ghost=False)


def _ghosts(suspects: list[Row], *, real: bool) -> Iterator[Row]:
    """Ghosts, which are closed in their holders.

    A child that inherited the epoll set of its parent seems to watch what only the parent has: no ghost, nor is one
    what is not half-closed.
    """
    for watcher in suspects:
        known = watcher["socket"] or {}
        for holder in watcher["holders"] if watcher["kind"] == "ghost" else ():
            inherited = holder["pid"] in _procfs.ancestors(watcher["pid"])
            if real == (known.get("state") in HALF_CLOSED and not inherited):
                yield _row(holder, watcher["inode"], known.get("cookie"), ghost=True)


def _row(holder: Row, inode: int, cookie: str | None, *, ghost: bool) -> Row:
    return {
        "pid": holder["pid"],
        "start_time": holder["start_time"],
        "fd": holder["fd"],
        "inode": inode,
        "cookie": cookie,
        "ghost": ghost,
    }


def _everything_of(pid: int) -> Iterator[Row]:
    stat = _procfs.stat(pid)
    for entry in Path(f"/proc/{pid}/fd").iterdir() if stat else ():
        try:
            inode = os.stat(entry).st_ino
        except OSError:
            continue  # closed meanwhile
        if stat and inode:
            holder = {"pid": pid, "start_time": stat.start_time, "fd": int(entry.name)}
            yield _row(holder, inode, None, ghost=False)
