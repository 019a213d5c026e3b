# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A socket of another process asked through a copy of its fd."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from typing import Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _socket_probe
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    JIFFY,
    TCP_CLOSE,
    connection,
    cookie,
    fds_of,
    forked,
    half_closed,
    inode,
    needs_ipv6,
    reset,
    wait_for_state,
    wait_until,
)

KERNEL = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
pytestmark = pytest.mark.skipif(KERNEL < (5, 6), reason="pidfd_getfd came with Linux 5.6; before, nothing can be told")


def test_bytes_that_survived_a_reset() -> None:
    with reset(unread=23) as sock, forked(sock.fileno()) as child:
        probe = _socket_probe.probe(child, sock.fileno())
        expected = _socket_probe.Tcp(int(socket.AF_INET), "CLOSE", cookie(sock), 23, 0, lingers=False, age=float("inf"))
        assert probe == _socket_probe.Probe(inode(sock), expected)
        assert sock.recv(100) == b"x" * 23


def test_a_half_closed_socket_in_full() -> None:
    began = time.monotonic()
    with half_closed(unread=5) as sock:
        tcp = _tcp(sock)
        assert 0.0 <= tcp.age <= time.monotonic() - began + JIFFY
        assert tcp._replace(age=0.0) == (int(socket.AF_INET), "CLOSE_WAIT", cookie(sock), 5, 0, False, 0.0)
        sock.recv(100)
        assert _tcp(sock).unread == 0
        assert sock.recv(100) == b""
        assert _tcp(sock).unread == 0


def test_the_age_of_the_fin() -> None:
    with half_closed() as sock:
        before = _tcp(sock).age
        wait_until(lambda: _tcp(sock).age >= before + 0.2)


def test_bytes_behind_an_urgent_one_are_not_overlooked() -> None:
    """The kernel's count ends at the urgent mark."""
    with connection() as both:
        both.theirs.send(b"!", socket.MSG_OOB)
        both.theirs.sendall(b"more")
        both.theirs.shutdown(socket.SHUT_WR)
        wait_until(lambda: _tcp(both.ours).state == "CLOSE_WAIT")
        assert _tcp(both.ours).unread is None


def test_unsent_bytes() -> None:
    with connection() as both:
        both.ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while both.ours.send(b"." * 65536):
                pass
        assert _tcp(both.ours).unsent > 1000


def test_a_listener_has_no_queues() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        tcp = _tcp(server)
        assert (tcp.state, tcp.unread, tcp.unsent) == ("LISTEN", None, 0)


def test_what_is_no_tcp() -> None:
    mine, other = socket.socketpair()
    with mine, other, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        for sock in (mine, datagrams):
            probe = _socket_probe.probe(os.getpid(), sock.fileno())
            assert probe == _socket_probe.Probe(inode(sock), None)


def _tcp(sock: socket.socket) -> _socket_probe.Tcp:
    probe = _socket_probe.probe(os.getpid(), sock.fileno())
    assert probe is not None
    assert probe.tcp is not None
    return probe.tcp


@pytest.mark.parametrize(("on", "seconds", "lingers"), [(0, 0, False), (0, 30, False), (1, 0, False), (1, 7, True)])
def test_only_a_close_that_waits_lingers(on: int, seconds: int, lingers: bool) -> None:  # noqa: FBT001 - a table
    with half_closed() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", on, seconds))
        assert _tcp(sock).lingers is lingers


def test_nothing_stays_behind() -> None:
    with connection() as both:
        before = fds_of(os.getpid())
        for _turn in range(5):
            assert _socket_probe.probe(os.getpid(), both.ours.fileno()) is not None
            assert _socket_probe.probe(os.getpid(), 98765) is None
        assert fds_of(os.getpid()) == before
        # Closing the copy must not have closed the socket.
        both.theirs.sendall(b"alive")
        assert both.ours.recv(5) == b"alive"


def test_what_is_no_socket_cannot_be_asked() -> None:
    end, other = os.pipe()
    try:
        assert _socket_probe.probe(os.getpid(), end) == _socket_probe.Probe(None, None)
    finally:
        os.close(end)
        os.close(other)


def test_a_process_that_is_gone() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    assert _socket_probe.probe(child, 1) is None


def test_a_socket_that_was_reset_knows_what_it_was() -> None:
    with reset() as sock:
        local = sock.getsockname()
        past = _past(sock)
        assert past is not None
        assert (past.local, past.cookie) == (local, cookie(sock))
        assert past.remote[0] == "127.0.0.1"
        assert past.remote[1] not in (0, local[1])
        assert 0.0 <= past.silent_s < 60.0
        with pytest.raises(OSError, match="not connected"):
            sock.getpeername()


@needs_ipv6
@pytest.mark.parametrize(("address", "to", "named"), [("::1", None, "::1"), ("::", "::ffff:127.0.0.1", "127.0.0.1")])
def test_both_ends_are_spelled_as_in_listings(address: str, to: Optional[str], named: str) -> None:
    with connection(address, to) as both:
        port = both.ours.getpeername()[1]
        both.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        both.theirs.close()
        wait_for_state(both.ours, TCP_CLOSE)
        past = _past(both.ours)
        assert past is not None
        assert (past.remote, past.local[0]) == ((named, port), named)


def test_what_lives_or_was_never_connected_has_no_past() -> None:
    with socket.socket() as fresh, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, half_closed() as closed:
        assert [_past(sock) for sock in (fresh, udp, closed)] == [None, None, None]


def test_a_refused_connection_has_no_past() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = server.getsockname()
    with socket.socket() as sock:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(nobody)
        wait_for_state(sock, TCP_CLOSE)
        assert _past(sock) is None


def _past(sock: socket.socket) -> Optional[_socket_probe.Past]:
    return _socket_probe.past(sock.fileno())
