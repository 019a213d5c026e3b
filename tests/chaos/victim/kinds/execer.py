# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that replaces itself in place (execve(2)): same pid, same start time, other memory; its fds survive."""

from __future__ import annotations

import json
import os
import select
import sys

from .. import diary, place
from ..work import Bait, Healthy, Work

#: Share of the rounds after which it does so.
OFTEN = 0.004


def run(given: place.Place) -> None:
    load = given.alone()
    if given.state:
        _take_over(load, json.loads(given.state))
    while given.go_on():
        load.round()
        if load.rng.random() < OFTEN:
            load.finish_texts()
            _replace(given, load)
    place.last_words(load)


def _replace(given: place.Place, load: Work) -> None:
    for fd in [*load.healthy, *(bait.fd for bait in load.baits.values())]:
        try:
            os.set_inheritable(fd, True)
        except OSError:
            continue  # a bait that has been taken from us
    state = {
        "healthy": [[fd, known.inode, known.secret.hex()] for fd, known in load.healthy.items()],
        "baits": [[inode, bait.fd, bait.order] for inode, bait in load.baits.items()],
    }
    load.diary.write(diary.EXEC)
    words = ["-m", "chaos.victim", given.kind, str(given.port), given.scratch, str(given.rng.getrandbits(32))]
    os.execv(sys.executable, [sys.executable, "-S", *words, json.dumps(state)])  # noqa: S606 - no shell is wanted


def _take_over(load: Work, state: dict[str, list[list[int | str]]]) -> None:
    for fd, inode, secret in state["healthy"]:
        load.healthy[int(fd)] = Healthy(int(inode), bytes.fromhex(str(secret)))
        load.numbers.held[int(fd)] = int(inode)
    for inode, fd, order in state["baits"]:
        bait = load.baits[int(inode)] = Bait(int(fd), str(order))
        load.numbers.held.setdefault(bait.fd, int(inode))
        try:
            if os.fstat(bait.fd).st_ino == inode:
                load.epoll.register(bait.fd, select.EPOLLIN)
        except OSError:
            continue  # taken from us
