# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections brought into the state that a test asks for, each checked to be in it before it is handed out."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import termios
import time
from typing import NamedTuple

CLOSE = 7
CLOSE_WAIT = 8
LAST_ACK = 9
WAIT_S = 5.0
LEVEL = select.EPOLLIN

#: How each kind is watched; what is not here is not watched.
EVENTS = {
    "watched": LEVEL,
    "v6": LEVEL,
    "mapped": LEVEL,
    "unread": LEVEL,
    "finread": LEVEL,
    "unsent": LEVEL,
    "established": LEVEL,
    "listener": LEVEL,
    "pair": LEVEL,
    "reset": LEVEL,
    "resetunread": LEVEL,
    "shared": LEVEL,
    "passed": LEVEL,
    "jailed": LEVEL,
    "tabled": LEVEL,
    "linger": LEVEL,
    "healthy": LEVEL,
    "writable": LEVEL | select.EPOLLOUT,
    "edge": LEVEL | select.EPOLLET,
    "oneshot": LEVEL | select.EPOLLONESHOT,
}


class Peers(NamedTuple):
    """Ports of the servers on 127.0.0.1 and ::1; the latter is None where there is no IPv6."""

    ipv4: int
    ipv6: int | None


def make(kind: str, number: int, peers: Peers) -> socket.socket:
    """A socket of that kind. ``number``: bytes that the peer has sent; milliseconds for ``late``."""
    if kind == "listener":
        return socket.create_server(("127.0.0.1", 0))
    if kind == "pair":
        return _pair()
    sock = _connect(kind, peers)
    if kind in ("healthy", "established", "writable"):
        _order(sock, "echo", number)
    elif kind in ("reset", "resetunread"):
        _order(sock, "reset", number)
        _wait(sock, CLOSE, number)
    else:
        _half_close(kind, sock, number)
    return sock


def _half_close(kind: str, sock: socket.socket, number: int) -> None:
    _order(sock, {"late": "late", "unsent": "deaf"}.get(kind, "close"), number)
    _wait(sock, CLOSE_WAIT, 0 if kind == "late" else number)
    if kind == "unsent":
        _stuff(sock)
    elif kind == "finread":
        sock.recv(number + 1)
    elif kind == "linger":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5))


def shut(sock: socket.socket) -> None:
    """Leave CLOSE_WAIT by shutdown, after which no listing shows the socket."""
    sock.shutdown(socket.SHUT_RDWR)
    _wait(sock, CLOSE, 0)


def unread(sock: socket.socket) -> int:
    """Bytes that wait to be read."""
    answer = fcntl.ioctl(sock.fileno(), termios.FIONREAD, b"\0" * 4)
    return int(struct.unpack("i", answer)[0])


def _connect(kind: str, peers: Peers) -> socket.socket:
    if kind == "v6":
        return socket.create_connection(("::1", peers.ipv6 or 0), WAIT_S)
    if kind == "mapped":
        sock = socket.socket(socket.AF_INET6)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.connect(("::ffff:127.0.0.1", peers.ipv4))
        return sock
    return socket.create_connection(("127.0.0.1", peers.ipv4), WAIT_S)


def _pair() -> socket.socket:
    """A unix socket whose other end is closed: readable for ever, and no TCP."""
    mine, other = socket.socketpair()
    other.close()
    return mine


def _order(sock: socket.socket, word: str, number: int) -> None:
    sock.sendall(f"{word} {number}\n".encode("ascii"))


def _wait(sock: socket.socket, state: int, number: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != state or unread(sock) < number:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the connection did not reach TCP state {state} with {number} bytes unread")
        time.sleep(0.002)


def _stuff(sock: socket.socket) -> None:
    """Send until nothing fits any more: the peer does not read."""
    sock.setblocking(False)
    try:
        while True:
            os.write(sock.fileno(), b"." * 65536)
    except BlockingIOError:
        pass
