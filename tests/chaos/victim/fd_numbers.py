# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File descriptor numbers of a process, as it knows them itself, shared by its threads."""

from __future__ import annotations

import os
import stat
import threading


class Numbers:
    """``held``: number -> inode of everything the victim has opened.

    ``lock`` is held while a number is looked at and then closed: what fd_close frees in between must not be given to
    another thread, or the victim would close its own healthy connection. (Programs that cannot do that are the reason
    why fd_close puts a placeholder on the number.)
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.held: dict[int, int] = {}

    def took(self, fd: int) -> int:
        """Note a number just opened, under the lock; its inode."""
        inode = os.fstat(fd).st_ino
        self.held[fd] = inode
        return inode

    def close(self, fd: int, inode: int) -> bool:
        """Close what we think it is, under the lock; False when it is not that any more."""
        if self.held.get(fd) == inode:
            del self.held[fd]
        if socket_or_file(fd) != inode:
            return False
        try:
            os.close(fd)
        except OSError:
            return False
        return True

    def drop_placeholder(self, fd: int, inode: int) -> None:
        """Our bait has gone from this number: close what was put in its place, if it is not ours since."""
        if self.held.get(fd) == inode:
            del self.held[fd]
        now = socket_or_file(fd)
        if now is not None and now != inode and self.held.get(fd) != now:
            os.close(fd)

    def strangers(self) -> list[tuple[int, int]]:
        """Sockets that we never opened, as (number, inode)."""
        found = []
        for fd in range(3, 512):
            inode = socket_or_file(fd)
            if inode is not None and self.held.get(fd) != inode and stat.S_ISSOCK(os.fstat(fd).st_mode):
                found.append((fd, inode))
        return found


def socket_or_file(fd: int) -> int | None:
    """Inode behind a number; None when it is closed."""
    try:
        return os.fstat(fd).st_ino
    except OSError:
        return None
