# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a victim is given, and how it learns that it is to stop: its standard input ends."""

from __future__ import annotations

import os
import random
import select
from dataclasses import dataclass, field

from . import diary
from .fd_numbers import Numbers
from .work import Work


@dataclass
class Place:
    """``scratch``: path that the diary has and that files of the victim start with. ``state``: left by an exec."""

    kind: str
    port: int
    scratch: str
    seed: int
    state: str = ""
    log: diary.Diary = field(init=False)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.log = diary.Diary(self.scratch)
        self.rng = random.Random(self.seed)  # noqa: S311 - a seed is wanted

    def alone(self) -> Work:
        """Work for a process with one thread."""
        numbers, epoll = Numbers(), select.epoll()
        for fd in (self.log.fd, epoll.fileno()):
            numbers.took(fd)
        return Work(self.log, self.rng, self.port, numbers, epoll)

    def go_on(self, most_ms: int = 2) -> bool:
        """Rest for an instant; False when it is time to stop."""
        return not told_to_stop(self.rng.randint(0, most_ms))


def told_to_stop(wait_ms: int) -> bool:
    """Whether standard input has ended."""
    control = select.poll()
    control.register(0, select.POLLIN | select.POLLHUP)
    return bool(control.poll(wait_ms))


def last_words(work: Work) -> None:
    """Look at everything a last time, and say that we end by ourselves."""
    work.finish()
    for fd, inode in work.numbers.strangers():
        # A short-lived process is worked on to its end: something may stand in for a bait since that last look.
        if not work.vanished_from(fd):
            work.diary.write(diary.STRANGER, fd, inode, os.readlink(f"/proc/self/fd/{fd}"))
    work.diary.write(diary.BYE)
