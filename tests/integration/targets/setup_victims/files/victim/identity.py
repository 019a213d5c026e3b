# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a process and a socket, read without the collection's own code."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any

SO_COOKIE = 57
#: State letters of what does not run any more, proc_pid_stat(5).
_ENDING = ("X", "Z")


def start_time(pid: int) -> int:
    """Clock ticks since boot, proc_pid_stat(5) field 22."""
    return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])


def states(pid: int) -> list[str]:
    """The state letters of all threads but those that are ending, as threads do all the time."""
    letters = {path.name: _state(path / "stat") for path in Path(f"/proc/{pid}/task").iterdir()}
    return [letter for thread, letter in letters.items() if letter not in _ENDING or thread == str(pid)]


def _state(stat: Path) -> str:
    try:
        return stat.read_text(errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def tracer(pid: int) -> int:
    """Who traces the process, 0 for nobody."""
    found = re.search(r"^TracerPid:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(errors="replace"), re.MULTILINE)
    return int(found.group(1)) if found else 0


def inode(fd: int) -> int:
    """Inode of an open file of this process."""
    return os.fstat(fd).st_ino


def cookie(fd: int) -> str | None:
    """The kernel's cookie of a socket of this process (SO_COOKIE), 16 hex digits; None where it has none."""
    try:
        with socket.socket(fileno=os.dup(fd)) as sock:
            return f"{int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8), 'little'):016x}"
    except OSError:
        return None


def target(fd: int, **more: Any) -> dict[str, Any]:
    """What ``fd_close`` needs to know of an fd of this process."""
    pid = os.getpid()
    return {"pid": pid, "start_time": start_time(pid), "fd": fd, "inode": inode(fd), "cookie": cookie(fd), **more}
