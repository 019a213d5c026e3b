# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an epoll instance watches, from ``/proc/PID/fdinfo/FD`` (proc_pid_fdinfo(5), fs/eventpoll.c)."""

from __future__ import annotations

import re
from typing import NamedTuple

EPOLLIN = 0x001
EPOLLOUT = 0x004
EPOLLRDNORM = 0x040
EPOLLWRNORM = 0x100
EPOLLRDHUP = 0x2000
EPOLLONESHOT = 1 << 30
EPOLLET = 1 << 31

#: Inode and device on kernels that do not show them.
UNTOLD = -1

READABLE = EPOLLIN | EPOLLRDNORM | EPOLLRDHUP
WRITABLE = EPOLLOUT | EPOLLWRNORM

_LINE = re.compile(
    r"^tfd:\s*(\d+)\s+events:\s*([0-9a-f]+)\s+data:\s*[0-9a-f]+(?:\s+pos:\S+\s+ino:([0-9a-f]+)\s+sdev:([0-9a-f]+))?",
    re.MULTILINE,
)


class Registration(NamedTuple):
    """One watched file: ``fd`` as it was numbered when added; ``inode`` and ``device`` may be :data:`UNTOLD`."""

    fd: int
    events: int
    inode: int
    device: int


def parse(fdinfo: str) -> list[Registration]:
    """Registrations in the text of one epoll fd's fdinfo."""
    return [
        Registration(int(fd), int(events, 16), _told(inode), _told(device))
        for fd, events, inode, device in _LINE.findall(fdinfo)
    ]


def _told(number: str) -> int:
    return int(number, 16) if number else UNTOLD


def level_triggered(events: int) -> bool:
    """True when epoll_wait(2) reports the file again and again for as long as it stays ready."""
    return not events & (EPOLLET | EPOLLONESHOT)
