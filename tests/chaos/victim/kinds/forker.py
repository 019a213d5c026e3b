# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server whose children inherit everything, keep it for a while and exit; the parent goes on meanwhile.

A bait that the parent closes while a child has it leaves a ghost: registered with the parent, held by the child.
"""

from __future__ import annotations

import os
import select

from .. import diary, place
from ..work import Work
from .loop import looping

CHILDREN = 2
LONGEST_MS = 400
#: Rare enough that there are moments without children.
BIRTHS = 0.01


def run(given: place.Place) -> None:
    load = looping(given)
    children: set[int] = set()
    while given.go_on():
        load.round()
        if len(children) < CHILDREN and load.rng.random() < BIRTHS:
            children.add(_fork(load))
        reap(load, children, os.WNOHANG)
    reap(load, children, 0)
    place.last_words(load)


def _fork(load: Work) -> int:
    born, life = diary.forking(), load.rng.randint(1, LONGEST_MS)
    pid = os.fork()
    if pid == 0:
        load.diary.new_process()
        load.diary.write(diary.BORN, note=born)
        select.poll().poll(life)
        load.diary.write(diary.BYE)
        os._exit(0)
    return pid


def reap(load: Work, children: set[int], options: int) -> None:
    """Take the children that have ended; one that did not end well is a fault."""
    for child in list(children):
        pid, status = os.waitpid(child, options)
        if pid:
            children.remove(pid)
            if status:
                load.fault(-1, 0, f"child {pid} ended with status {status}")
