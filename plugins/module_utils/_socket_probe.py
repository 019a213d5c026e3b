# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a socket says of itself, asked through a copy of it (see :mod:`_fd_copy`; tcp(7), socket(7))."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import stat
import struct
import sys
import termios
from typing import Iterator, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _fd_copy, _sock_diag

_SO_COOKIE = 57
_LINGER = struct.Struct("=ii")
_COUNT = struct.Struct("=i")
#: struct tcp_info up to tcpi_last_ack_recv, milliseconds (include/uapi/linux/tcp.h).
_INFO_BYTES = 60
_LAST_ACK_RECV = struct.Struct("=56xI")
_CLOSED = "CLOSE"
#: sock->getname with ``peer`` 2 (net/core/sock.c), which answers after a reset too, where getpeername(2) does not.
_SO_PEERNAME = 28
#: struct sockaddr_in and sockaddr_in6; the kernel takes no larger buffer than the name is long.
_IN = struct.Struct("!2xH4s8x")
_IN6 = struct.Struct("!2xH4x16s4x")
#: tcpi_last_data_recv, milliseconds, and tcpi_bytes_acked: the SYN counts, so 0 is never established (Linux 4.1).
_PAST = struct.Struct("=52xI64xQ")


class Tcp(NamedTuple):
    """A TCP socket now. ``unread`` and ``unsent`` in bytes, None: could not look. ``age``: of the FIN, s, at least.

    ``lingers``: SO_LINGER makes a close wait for the peer.
    """

    family: int
    state: str
    cookie: str
    unread: Optional[int]
    unsent: int
    lingers: bool
    age: float


class Probe(NamedTuple):
    """``inode`` None: not a socket. ``tcp`` None: not TCP."""

    inode: Optional[int]
    tcp: Optional[Tcp]


class Past(NamedTuple):
    """What a socket was that is closed and still open as a file. ``silent_s``: since it last received data.

    The kernel does not keep when it was closed, so ``silent_s`` is an upper bound of how long it had been idle by then.
    """

    local: tuple[str, int]
    remote: tuple[str, int]
    cookie: str
    silent_s: float


def past(copy: int) -> Optional[Past]:
    """What a copy of ours was; None for what is not a TCP socket, not in state CLOSE, or was never connected.

    Raises OSError when the kernel does not tell.
    """
    with _borrowed(copy) as sock:
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.proto != socket.IPPROTO_TCP:
            return None
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _PAST.size)
        if _sock_diag.STATES.get(info[0]) != _CLOSED or len(info) < _PAST.size:
            return None
        silent_ms, acked = _PAST.unpack(info)
        return Past(_own_name(sock), _peer_name(sock), _cookie(sock), silent_ms / 1000.0) if acked else None


def _own_name(sock: socket.socket) -> tuple[str, int]:
    address, port = sock.getsockname()[:2]
    return _plain(address), int(port)


def _peer_name(sock: socket.socket) -> tuple[str, int]:
    form = _IN if sock.family == socket.AF_INET else _IN6
    port, address = form.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_PEERNAME, form.size))
    return _plain(socket.inet_ntop(sock.family, address)), int(port)


def _plain(address: str) -> str:
    """An IPv4 end of a dual-stack socket is named as in listings."""
    return address[len("::ffff:") :] if address.startswith("::ffff:") and "." in address else address


def probe(pid: int, fd: int) -> Optional[Probe]:
    """None when it cannot be told: older kernel, no permission, not open, process gone."""
    source = _fd_copy.source(pid)
    if source is None:
        return None
    try:
        with source.copy(fd) as copy:
            return look(copy)
    except OSError:
        return None
    finally:
        source.close()


def look(copy: int) -> Probe:
    """What a copy of ours is. Raises OSError when the kernel does not tell (SO_COOKIE: Linux 4.12)."""
    found = os.fstat(copy)
    if not stat.S_ISSOCK(found.st_mode):
        return Probe(None, None)
    with _borrowed(copy) as sock:
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.proto != socket.IPPROTO_TCP:
            return Probe(found.st_ino, None)
        return Probe(found.st_ino, _tcp(sock))


def _tcp(sock: socket.socket) -> Tcp:
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    state = _sock_diag.STATES.get(info[0], str(info[0]))
    on, seconds = _LINGER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.size))
    return Tcp(
        family=int(sock.family),
        state=state,
        cookie=_cookie(sock),
        unread=_unread(sock),
        # A reset has thrown away what was unsent.
        unsent=0 if state == _CLOSED else _count(sock, termios.TIOCOUTQ) or 0,
        lingers=bool(on and seconds),
        age=float("inf") if state == _CLOSED else _LAST_ACK_RECV.unpack(info)[0] / 1000.0,
    )


def _cookie(sock: socket.socket) -> str:
    return "%016x" % int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8), sys.byteorder)


def _unread(sock: socket.socket) -> Optional[int]:
    """``FIONREAD``, which counts up to an urgent byte only: with one pending it is not known (net/ipv4/tcp.c)."""
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLPRI)
    urgent = any(events & select.POLLPRI for _fd, events in poll.poll(0))
    return None if urgent else _count(sock, termios.FIONREAD)


def _count(sock: socket.socket, request: int) -> Optional[int]:
    """None in a state that has no such queue (LISTEN)."""
    try:
        return int(_COUNT.unpack(fcntl.ioctl(sock.fileno(), request, b"\0\0\0\0"))[0])
    except OSError:
        return None


@contextlib.contextmanager
def _borrowed(fd: int) -> Iterator[socket.socket]:
    """A socket object for an fd that it does not own."""
    sock = socket.socket(fileno=fd)
    try:
        yield sock
    finally:
        sock.detach()
