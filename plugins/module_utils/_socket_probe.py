# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a socket itself can tell, asked through a copy held for an instant (pidfd_getfd(2), Linux 5.6)."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import termios
from typing import Iterator, NamedTuple, Optional

_PIDFD_OPEN = 434
_PIDFD_GETFD = 438
_LINGER = struct.Struct("=ii")
#: Loaded once: a thousand fds are asked while their process stands still.
_LIBC = ctypes.CDLL(None, use_errno=True)


class Probe(NamedTuple):
    """``unread`` bytes (FIONREAD). ``lingers``: SO_LINGER makes a close wait for the peer (socket(7))."""

    unread: int
    lingers: bool


def probe(pid: int, fd: int) -> Optional[Probe]:
    """None when it cannot be told: older kernel, no permission, not a socket, gone."""
    with contextlib.ExitStack() as stack:
        process = _call(_PIDFD_OPEN, pid, 0, 0)
        if process < 0:
            return None
        stack.callback(os.close, process)
        copy = _call(_PIDFD_GETFD, process, fd, 0)
        if copy < 0:
            return None
        stack.callback(os.close, copy)
        return _ask(copy)


def _ask(copy: int) -> Optional[Probe]:
    try:
        with _borrowed(copy) as sock:
            on, seconds = _LINGER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.size))
        unread = struct.unpack("=i", fcntl.ioctl(copy, termios.FIONREAD, b"\0\0\0\0"))[0]
    except OSError:
        return None
    return Probe(int(unread), bool(on and seconds))


@contextlib.contextmanager
def _borrowed(fd: int) -> Iterator[socket.socket]:
    """A socket object for an fd that it does not own."""
    sock = socket.socket(fileno=fd)
    try:
        yield sock
    finally:
        sock.detach()


def _call(number: int, *arguments: int) -> int:
    answer: int = _LIBC.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return answer
