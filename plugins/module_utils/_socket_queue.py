# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unread bytes of a socket that no listing shows, asked of the socket itself (pidfd_getfd(2), Linux 5.6; FIONREAD)."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import termios
from typing import Optional

_PIDFD_OPEN = 434
_PIDFD_GETFD = 438


def unread(pid: int, fd: int) -> Optional[int]:
    """Bytes; None when it cannot be told (older kernel, no permission, gone). It is held for an instant."""
    process = _call(_PIDFD_OPEN, pid, 0, 0)
    if process < 0:
        return None
    try:
        copy = _call(_PIDFD_GETFD, process, fd, 0)
        if copy < 0:
            return None
        try:
            return int(struct.unpack("=i", fcntl.ioctl(copy, termios.FIONREAD, b"\0\0\0\0"))[0])
        except OSError:
            return None
        finally:
            os.close(copy)
    finally:
        os.close(process)


def _call(number: int, *arguments: int) -> int:
    answer: int = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return answer
