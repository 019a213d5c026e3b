# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink messages: from the kernel, and as bytes that a kernel could send."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Callable, Iterator, List, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _netlink, _sock_diag

IPPROTO_WITHOUT_INET_DIAG = 253  # "use for experimentation and testing", RFC 3692


def _message(kind: int, payload: bytes) -> bytes:
    padding = b"\0" * (-len(payload) % 4)
    return _netlink.HEADER.pack(_netlink.HEADER.size + len(payload), kind, 0, 1, 0) + payload + padding


@pytest.fixture(name="line")
def _line() -> Iterator[Tuple[socket.socket, socket.socket]]:
    """A datagram socket in the place of the kernel's, and the end that answers."""
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.settimeout(0.2)
    with ours, kernel:
        yield ours, kernel


def _dumped(line: Tuple[socket.socket, socket.socket], *datagrams: bytes) -> List[bytes]:
    for datagram in datagrams:
        line[1].send(datagram)
    return [bytes(payload) for payload in _netlink.dump(line[0], 20, b"body")]


def test_a_dump_over_several_datagrams(line: Tuple[socket.socket, socket.socket]) -> None:
    first = _message(20, b"one") + _message(20, b"seven77")
    second = _message(20, b"last") + _message(_netlink.NLMSG_DONE, struct.pack("=i", 0))
    assert _dumped(line, first, second) == [b"one", b"seven77", b"last"]
    length, kind, flags = struct.unpack_from("=IHH", line[1].recv(100))
    assert (length, kind, flags) == (20, 20, 0x301)


def test_an_end_without_payload_is_an_end(line: Tuple[socket.socket, socket.socket]) -> None:
    assert _dumped(line, _message(_netlink.NLMSG_DONE, b"")) == []


def test_an_error_at_the_end_is_an_error(line: Tuple[socket.socket, socket.socket]) -> None:
    done = _message(_netlink.NLMSG_DONE, struct.pack("=i", -errno.ENOENT))
    with pytest.raises(_netlink.NetlinkError) as caught:
        _dumped(line, _message(20, b"one") + done)
    assert caught.value.errno == errno.ENOENT


def test_an_error_message_is_an_error(line: Tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(_netlink.NetlinkError, match=os.strerror(errno.EPERM)):
        _dumped(line, _message(_netlink.NLMSG_ERROR, struct.pack("=i", -errno.EPERM) + b"\0" * 16))


@pytest.mark.parametrize("length", [0, 3, 15])
def test_a_message_that_leads_nowhere_ends_the_reading(line: Tuple[socket.socket, socket.socket], length: int) -> None:
    with pytest.raises(_netlink.NetlinkError):
        _dumped(line, struct.pack("=IHHII", length, 20, 0, 1, 0))


@pytest.mark.parametrize("dump", [_netlink.dump, _netlink.dump_blocks])
def test_a_message_that_was_cut_off_is_an_error(
    line: Tuple[socket.socket, socket.socket], dump: Callable[..., Iterator[object]]
) -> None:
    line[1].send(_message(20, b"one77777") + _message(20, b"two77777")[:-4])
    with pytest.raises(_netlink.NetlinkError, match="longer than what was received"):
        list(dump(line[0], 20, b"body"))


def test_silence_is_an_error(line: Tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(_netlink.NetlinkError) as caught:
        list(_netlink.dump(line[0], 20, b""))
    assert caught.value.errno == errno.ETIMEDOUT


def test_a_request_has_one_answer(line: Tuple[socket.socket, socket.socket]) -> None:
    line[1].send(_message(20, b"answer"))
    assert bytes(_netlink.request(line[0], 20, b"")) == b"answer"
    assert struct.unpack_from("=IHH", line[1].recv(100)) == (16, 20, 0x1)


def test_a_refused_request(line: Tuple[socket.socket, socket.socket]) -> None:
    line[1].send(_message(_netlink.NLMSG_ERROR, struct.pack("=i", -errno.ESTALE)))
    with pytest.raises(_netlink.NetlinkError) as caught:
        _netlink.request(line[0], 20, b"")
    assert caught.value.errno == errno.ESTALE


def test_attributes_are_aligned_and_bounded() -> None:
    data = struct.pack("=HH5s3x", 9, 7, b"abcde") + struct.pack("=HHI", 8, 0x8002, 77) + struct.pack("=HH", 2, 5)
    assert bytes(_netlink.attribute(memoryview(data), 7) or b"") == b"abcde"
    assert bytes(_netlink.attribute(memoryview(b"head" + data), 2, 4) or b"") == struct.pack("=I", 77)
    assert _netlink.attribute(memoryview(data), 3) is None
    assert _netlink.attribute(memoryview(b""), 7) is None


def test_a_protocol_that_the_kernel_cannot_list_is_an_error_and_no_empty_list() -> None:
    body = struct.pack("=BBBBI", socket.AF_INET, IPPROTO_WITHOUT_INET_DIAG, 0, 0, 0xFFFFFFFF) + _sock_diag._ANY_SOCKID
    with _sock_diag.open_socket() as sock, pytest.raises(_netlink.NetlinkError):
        list(_netlink.dump(sock, _sock_diag.SOCK_DIAG_BY_FAMILY, body))


def test_a_kernel_without_the_protocol_is_an_error() -> None:
    with pytest.raises(_netlink.NetlinkError, match="protocol 77"):
        _netlink.open_socket(77)
