# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP sockets of a network namespace through NETLINK_SOCK_DIAG (sock_diag(7), include/uapi/linux/inet_diag.h)."""

from __future__ import annotations

import errno
import functools
import socket
import struct
from typing import Container, Iterator, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _netlink

NETLINK_SOCK_DIAG = 4
TCPDIAG_GETSOCK = 18
SOCK_DIAG_BY_FAMILY = 20
INET_DIAG_INFO = 2
TIMER_KEEPALIVE = 2

#: include/net/tcp_states.h
STATES = {
    1: "ESTABLISHED",
    2: "SYN_SENT",
    3: "SYN_RECV",
    4: "FIN_WAIT1",
    5: "FIN_WAIT2",
    6: "TIME_WAIT",
    7: "CLOSE",
    8: "CLOSE_WAIT",
    9: "LAST_ACK",
    10: "LISTEN",
    11: "CLOSING",
    12: "NEW_SYN_RECV",
}
ESTABLISHED = 1
TIME_WAIT = 6
CLOSE_WAIT = 8
LISTEN = 10
ALL_STATES = 0xFFFFFFFF

_REQUEST = struct.Struct("=BBBBI")
#: struct inet_diag_req, whose id selects nothing in a dump
_REQUEST_OF_ALL_FAMILIES = struct.Struct("=xxxB48xII")
_ANY_SOCKID = b"\0" * 40 + b"\xff" * 8
#: struct inet_diag_msg; its id is left as it is
_MESSAGE = struct.Struct("=BBBx48s5I")
_MESSAGE_BYTES = _MESSAGE.size
_INODE = struct.Struct("=I")
_PORTS = struct.Struct("!HH")
_COOKIE = struct.Struct("=Q")
_COOKIE_OFFSET = 44
#: tcpi_last_data_sent, tcpi_last_ack_sent (never set by the kernel), tcpi_last_data_recv, tcpi_last_ack_recv
_TIMES = struct.Struct("=IIII")
_TIMES_OFFSET = 44


class Times(NamedTuple):
    """Ages in milliseconds from ``struct tcp_info``."""

    last_data_sent: int
    last_data_recv: int
    last_ack_recv: int


class TcpSocket(NamedTuple):
    """One answer of inet_diag. Queues in bytes; ``inode`` 0 means that no program has accepted it yet."""

    family: int
    state: int
    timer: int
    local: tuple[str, int]
    remote: tuple[str, int]
    cookie: int
    recv_q: int
    send_q: int
    uid: int
    inode: int
    sockid: bytes
    times: Optional[Times]


class Census(NamedTuple):
    """``states``: exact count per state number; ``by_inode``: undecoded answers, see :func:`decode`."""

    states: dict[int, int]
    by_inode: dict[int, bytes]


def open_socket() -> socket.socket:
    """A sock_diag socket of the calling thread's network namespace."""
    return _netlink.open_socket(NETLINK_SOCK_DIAG)


def census(sock: socket.socket) -> Census:
    """Every TCP socket of the namespace, counted; decoding is left for the few that matter."""
    states: dict[int, int] = {}
    by_inode: dict[int, bytes] = {}
    for answer in _dump(sock, ALL_STATES, ext=0):
        state = answer[1]
        states[state] = states.get(state, 0) + 1
        inode = _INODE.unpack_from(answer, 68)[0]
        if inode:
            by_inode[inode] = bytes(answer[:_MESSAGE_BYTES])
    return Census(states, by_inode)


def in_state(sock: socket.socket, state: int) -> list[TcpSocket]:
    """The sockets in one state, with :class:`Times`; the kernel filters, so cost follows the number of matches."""
    return [decode(answer) for answer in _dump(sock, 1 << state, ext=1 << (INET_DIAG_INFO - 1))]


def cookies(sock: socket.socket, state: int) -> list[int]:
    """The cookies of the sockets in one state."""
    return [_COOKIE.unpack_from(answer, _COOKIE_OFFSET)[0] for answer in _dump(sock, 1 << state, ext=0)]


def of_inodes(sock: socket.socket, inodes: Container[int]) -> list[TcpSocket]:
    """These sockets, with :class:`Times`; all are listed, but only these are decoded."""
    return [
        decode(answer)
        for answer in _dump(sock, ALL_STATES, ext=1 << (INET_DIAG_INFO - 1))
        if _INODE.unpack_from(answer, 68)[0] in inodes
    ]


def query_of_all_families(states: int, ext: int = 0) -> bytes:
    """The body of a dump request of type ``TCPDIAG_GETSOCK``: all sockets in these states; ``ext``: wanted attributes.

    One pass over the kernel's table, where ``SOCK_DIAG_BY_FAMILY`` takes one for each family
    (net/ipv4/inet_diag.c, ``inet_diag_dump_compat``).
    """
    return _REQUEST_OF_ALL_FAMILIES.pack(ext, states, 0)


def sockid(source: tuple[bytes, bytes], destination: tuple[bytes, bytes]) -> bytes:
    """An id for :func:`lookup`, whatever the cookie is; each end is port and address (16 bytes) in network order."""
    return source[0] + destination[0] + source[1] + destination[1] + _ANY_SOCKID[36:]


def lookup(sock: socket.socket, family: int, sockid: bytes) -> Optional[TcpSocket]:
    """The socket with exactly this id (addresses, ports *and* cookie) as it is now; None when there is none."""
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0, ALL_STATES) + sockid
    try:
        return decode(_netlink.request(sock, SOCK_DIAG_BY_FAMILY, body))
    except _netlink.NetlinkError as exc:
        if exc.errno in (errno.ENOENT, errno.ESTALE):
            return None
        raise


def decode(answer: memoryview | bytes) -> TcpSocket:
    """One ``struct inet_diag_msg`` and its attributes."""
    family, state, timer, sockid, _expires, recv_q, send_q, uid, inode = _MESSAGE.unpack_from(answer)
    sport, dport = _PORTS.unpack_from(sockid)
    local, remote = (address(family, sockid[4:20]), sport), (address(family, sockid[20:36]), dport)
    cookie = _COOKIE.unpack_from(sockid, 40)[0]
    times = _times(memoryview(answer))
    # In the order of the fields: by name each takes twice as long.
    return TcpSocket(family, state, timer, local, remote, cookie, recv_q, send_q, uid, inode, sockid, times)


@functools.lru_cache(maxsize=4096)
def address(family: int, raw: bytes) -> str:
    """An address in network order as text."""
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, raw[:4])
    if raw[:12] == b"\0" * 10 + b"\xff\xff":
        # An IPv4 peer of a dual-stack socket: named as the peer names itself, so that both ends can be joined.
        return socket.inet_ntop(socket.AF_INET, raw[12:])
    return socket.inet_ntop(socket.AF_INET6, raw)


def _dump(sock: socket.socket, states: int, ext: int) -> Iterator[memoryview]:
    return _netlink.dump(sock, TCPDIAG_GETSOCK, query_of_all_families(states, ext))


def _times(answer: memoryview) -> Optional[Times]:
    info = _netlink.attribute(answer, INET_DIAG_INFO, _MESSAGE_BYTES)
    if info is None or len(info) < _TIMES_OFFSET + _TIMES.size:
        return None
    sent, _ack_sent, received, acked = _TIMES.unpack_from(info, _TIMES_OFFSET)
    return Times(sent, received, acked)
