# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short-lived processes, each with connections of its own; their successors take the same pid where they can get it."""

from __future__ import annotations

import contextlib
import os
import random
import select

from .. import diary, place
from .forker import reap
from .loop import looping

CHILDREN = 3
BAITS = 8
LONGEST_MS = 4000
_LAST_PID = "/proc/sys/kernel/ns_last_pid"


def run(given: place.Place) -> None:
    load = looping(given)
    children: set[int] = set()
    while given.go_on(20):
        before = set(children)
        reap(load, children, os.WNOHANG)
        free = sorted(before - children)
        while len(children) < CHILDREN:
            _ask_for(free.pop() if free else None)
            children.add(_fork(given))
    reap(load, children, 0)
    place.last_words(load)


def _ask_for(pid: int | None) -> None:
    """The next process of this namespace is to have that pid (pid_namespaces(7)); somebody may be faster."""
    if pid is not None:
        with contextlib.suppress(OSError), open(_LAST_PID, "w", encoding="ascii") as file:
            file.write(str(pid - 1))


def _fork(given: place.Place) -> int:
    seed = given.rng.getrandbits(32)
    life = given.rng.choice((LONGEST_MS, given.rng.randint(1, LONGEST_MS)))
    born = diary.forking()
    pid = os.fork()
    if pid == 0:
        given.log.new_process()
        given.log.write(diary.BORN, note=born)
        _live(given, life, seed)
        os._exit(0)
    return pid


def _live(given: place.Place, life_ms: int, seed: int) -> None:
    given.rng = random.Random(seed)  # noqa: S311 - seeded
    load = looping(given)
    load.most_baits = BAITS
    rest = select.poll()
    for _round in range(life_ms // 5):
        load.round()
        rest.poll(given.rng.randint(0, 5))
    place.last_words(load)
