# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a victim writes down about itself, one line an event; the judge reads nothing else about it.

A line: monotonic ns, pid, start time, event, fd, inode, note. It is written before what it tells is done.
"""

from __future__ import annotations

import os
import time

#: Events of a victim. A bait is a connection that is, or is about to be, half-closed.
BAIT = "bait"
#: It closes the bait itself, which is still there.
REAP = "reap"
#: The bait is not on its number any more, and we did not do it.
VANISHED = "vanished"
#: At the end: the bait is where it was.
STILL = "still"
#: A fork begins (note: pid of the parent, and when it forked), a process is about to end.
BORN, BYE = "born", "bye"
EXEC = "exec"
#: A bait arrived from another process, and is about to be closed there.
GOT, DROP = "got", "drop"
#: A bait is sent to another process.
SENT = "sent"
#: Something healthy was hurt.
FAULT = "fault"
#: A socket that the victim never opened.
STRANGER = "stranger"


def forking() -> str:
    """Note for ``BORN``, to be taken by the parent before it forks: what it has by then the child inherits."""
    return f"{os.getpid()}@{time.monotonic_ns()}"


class Diary:
    """Appends to a file that several processes share."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.new_process()

    def new_process(self) -> None:
        """After a fork."""
        with open("/proc/self/stat", encoding="ascii") as stat:
            start_time = stat.read().rpartition(")")[2].split()[19]
        self._who = f"{os.getpid()} {start_time}"

    def write(self, event: str, fd: int = -1, inode: int = 0, note: object = "-") -> None:
        """One line in one write."""
        text = str(note).replace(" ", "_").replace("\n", "_")
        os.write(self.fd, f"{time.monotonic_ns()} {self._who} {event} {fd} {inode} {text}\n".encode())
