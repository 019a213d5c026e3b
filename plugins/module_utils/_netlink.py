# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink dumps and single requests, with nothing but the standard library (netlink(7))."""

from __future__ import annotations

import errno
import functools
import os
import socket
import struct
from typing import Iterator, Optional

NLM_F_REQUEST = 0x1
NLM_F_DUMP = 0x300
NLMSG_ERROR = 2
NLMSG_DONE = 3
HEADER = struct.Struct("=IHHII")
_LEAD = struct.Struct("=IH")
ATTRIBUTE = struct.Struct("=HH")
#: More than the kernel puts into one message of a dump (net/netlink/af_netlink.c, ``netlink_recvmsg``: 32 KiB).
RECEIVE_BYTES = 1 << 16
REPLY_BYTES = 1 << 13
REPLY_TIMEOUT_S = 10.0


class NetlinkError(OSError):
    """The kernel refused a request, or gave no answer; ``errno`` is the kernel's."""


def open_socket(protocol: int) -> socket.socket:
    """A netlink socket of the *calling thread's* network namespace; it stays bound to that namespace."""
    try:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        sock.bind((0, 0))
    except OSError as exc:
        raise NetlinkError(exc.errno, "no netlink socket (protocol %d): %s" % (protocol, exc.strerror)) from exc
    sock.settimeout(REPLY_TIMEOUT_S)
    return sock


def dump(sock: socket.socket, kind: int, body: bytes) -> Iterator[memoryview]:
    """Payloads (without the nlmsghdr) of all answers to a dump request. Raises :class:`NetlinkError`."""
    sock.send(HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body)
    while True:
        for answer, payload in _messages(_receive(sock)):
            if answer == NLMSG_DONE:
                # The end of a dump carries its error: a kernel without tcp_diag ends an empty dump with ENOENT.
                _check(payload)
                return
            yield payload


def dump_blocks(sock: socket.socket, kind: int, body: bytes) -> Iterator[tuple[int, memoryview]]:
    """The same answers, headers included, in blocks of messages of one length, for many to be unpacked at once.

    Yields ``(length, block)``, the block's size being a multiple of ``length``. Raises :class:`NetlinkError`.
    """
    sock.send(HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body)
    while True:
        for answer, length, block in _blocks(_receive(sock)):
            if answer in (NLMSG_DONE, NLMSG_ERROR):
                _check(block[HEADER.size :])
                return
            yield length, block


def request(sock: socket.socket, kind: int, body: bytes) -> memoryview:
    """The single answer to a request that is not a dump. Raises :class:`NetlinkError` (``ENOENT``: no such thing)."""
    sock.send(HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST, 2, 0) + body)
    for _kind, payload in _messages(_receive(sock, REPLY_BYTES)):
        return payload
    raise NetlinkError(errno.EPROTO, "netlink gave an empty answer")


def attribute(data: memoryview, wanted: int, offset: int = 0) -> Optional[memoryview]:
    """The value of the first attribute of this type from ``offset`` on (rtattr, 4-byte aligned, see rtnetlink(7))."""
    end = len(data) - ATTRIBUTE.size
    while offset <= end:
        length, kind = ATTRIBUTE.unpack_from(data, offset)
        if length < ATTRIBUTE.size:
            return None
        if kind & 0x3FFF == wanted:
            return data[offset + ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return None


def _receive(sock: socket.socket, most: int = RECEIVE_BYTES) -> memoryview:
    try:
        return memoryview(sock.recv(most))
    except socket.timeout as exc:
        raise NetlinkError(errno.ETIMEDOUT, "netlink gave no answer in %d s" % REPLY_TIMEOUT_S) from exc


def _messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    offset = 0
    while offset < len(data):
        length, kind = HEADER.unpack_from(data, offset)[:2]
        _check_length(length, len(data) - offset)
        payload = data[offset + HEADER.size : offset + length]
        if kind == NLMSG_ERROR:
            _check(payload)
        yield kind, payload
        offset += (length + 3) & ~3


def _blocks(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """``(type, length, messages)`` for each run of messages of the same type and length."""
    offset = 0
    while offset < len(data):
        length, answer = _LEAD.unpack_from(data, offset)
        _check_length(length, len(data) - offset)
        step = (length + 3) & ~3
        rest = data[offset : offset + (len(data) - offset) // step * step]
        end = offset + max(_run(rest, step), 1) * step
        yield answer, step, data[offset:end]
        offset = end


def _run(messages: memoryview, step: int) -> int:
    """How many of the first are alike: one of another length is found by where the next one would have to begin."""
    number = len(messages) // step
    if all(bytes(messages[place::step]) == bytes(messages[place : place + 1]) * number for place in range(_LEAD.size)):
        return number
    leads = _leads(step).iter_unpack(messages)
    first = next(leads)
    return 1 + next((place for place, lead in enumerate(leads) if lead != first), number - 1)


def _check_length(length: int, there: int) -> None:
    if length < HEADER.size:
        raise NetlinkError(errno.EPROTO, "netlink gave a message shorter than its header")
    if length > there:
        raise NetlinkError(errno.EPROTO, "netlink gave a message longer than what was received of it")


@functools.lru_cache(maxsize=64)
def _leads(step: int) -> struct.Struct:
    return struct.Struct("=IH%dx" % (step - _LEAD.size))


def _check(payload: memoryview) -> None:
    code = struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
    if code < 0:
        raise NetlinkError(-code, os.strerror(-code))
