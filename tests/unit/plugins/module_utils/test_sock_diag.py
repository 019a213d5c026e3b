# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP sockets over netlink, compared with what the sockets themselves say."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from typing import Dict, List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _netlink, _sock_diag
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    JIFFY,
    connection,
    cookie,
    half_closed,
    inode,
    needs_ipv6,
    reset,
)

#: Names of one address: how the client is told to connect, how the answer is to name it.
PLACES = [
    pytest.param("127.0.0.1", None, "127.0.0.1", socket.AF_INET, id="ipv4"),
    pytest.param("::1", None, "::1", socket.AF_INET6, id="ipv6", marks=needs_ipv6),
    pytest.param("127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1", socket.AF_INET6, id="mapped", marks=needs_ipv6),
]


def _listed(state: int) -> Dict[int, _sock_diag.TcpSocket]:
    with _sock_diag.open_socket() as channel:
        return {tcp.inode: tcp for tcp in _sock_diag.in_state(channel, state)}


def _census() -> _sock_diag.Census:
    with _sock_diag.open_socket() as channel:
        return _sock_diag.census(channel)


@pytest.mark.parametrize(("address", "to", "named", "family"), PLACES)
def test_a_half_closed_socket_is_as_it_says_itself(address: str, to: str, named: str, family: int) -> None:
    began = time.monotonic()
    with half_closed(unread=37, address=address, to=to) as sock:
        tcp = _listed(_sock_diag.CLOSE_WAIT)[inode(sock)]
        passed = time.monotonic() - began
        assert tcp.family == family
        assert tcp.local == (named, sock.getsockname()[1])
        assert tcp.remote == (named, sock.getpeername()[1])
        assert "%016x" % tcp.cookie == cookie(sock)
        with _sock_diag.open_socket() as channel:
            assert tcp.cookie in _sock_diag.cookies(channel, _sock_diag.CLOSE_WAIT)
            assert tcp.cookie not in _sock_diag.cookies(channel, _sock_diag.ESTABLISHED)
        assert tcp.recv_q == 38  # the FIN counts as one
        assert tcp.send_q == 0
        assert tcp.state == _sock_diag.CLOSE_WAIT
        assert tcp.times is not None
        assert tcp.times.last_data_recv <= 1000 * (passed + JIFFY)
        sock.recv(38)
        assert _listed(_sock_diag.CLOSE_WAIT)[inode(sock)].recv_q in (0, 1)
        assert sock.recv(1) == b""
        assert _listed(_sock_diag.CLOSE_WAIT)[inode(sock)].recv_q == 0


@pytest.mark.parametrize(("address", "to", "named", "family"), PLACES)
def test_lookup_finds_exactly_that_socket(address: str, to: str, named: str, family: int) -> None:
    with half_closed(address=address, to=to) as sock, _sock_diag.open_socket() as channel:
        tcp = _listed(_sock_diag.CLOSE_WAIT)[inode(sock)]
        again = _sock_diag.lookup(channel, family, tcp.sockid)
        assert again is not None
        assert (again.inode, again.cookie, again.state, again.remote[0]) == (tcp.inode, tcp.cookie, 8, named)
        assert again.times is not None
        wrong = tcp.sockid[:40] + struct.pack("=Q", tcp.cookie + 1)
        assert _sock_diag.lookup(channel, family, wrong) is None
        other_port = struct.pack("!H", 1) + tcp.sockid[2:]
        assert _sock_diag.lookup(channel, family, other_port) is None
        sock.close()
        assert _sock_diag.lookup(channel, family, tcp.sockid) is None


def test_lookup_tells_refusals_from_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> memoryview:
        raise _netlink.NetlinkError(errno.EPERM, "no")

    monkeypatch.setattr(_netlink, "request", refuse)
    with socket.socket() as sock, pytest.raises(_netlink.NetlinkError):
        _sock_diag.lookup(sock, socket.AF_INET, b"\0" * 48)


def test_the_census_counts_every_state_and_knows_every_inode() -> None:
    before = _census().states
    with connection() as both, half_closed() as first, half_closed() as second, socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(3)
        now = _census()
        ours = {inode(both.ours): 1, inode(both.theirs): 1, inode(first): 8, inode(second): 8, inode(server): 10}
        assert {number: now.by_inode[number][1] for number in ours} == ours
        # The machine has other sockets, which may come and go: ours are a lower bound.
        assert now.states[8] >= 2
        assert sum(now.states.values()) >= len(now.by_inode)
        decoded = _sock_diag.decode(now.by_inode[inode(first)])
        assert (decoded.remote[1], decoded.times) == (first.getpeername()[1], None)
    assert before.keys() <= set(_sock_diag.STATES)


def test_the_filter_is_the_kernels() -> None:
    with connection() as both, half_closed() as sock:
        listed = _listed(_sock_diag.CLOSE_WAIT)
        assert inode(sock) in listed
        assert inode(both.ours) not in listed
        assert {tcp.state for tcp in listed.values()} == {_sock_diag.CLOSE_WAIT}


def test_a_connection_that_nobody_has_accepted_has_no_inode() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(3)
        port = server.getsockname()[1]
        clients: List[socket.socket] = [socket.create_connection(server.getsockname()) for _turn in range(2)]
        with _sock_diag.open_socket() as channel:
            found = [tcp for tcp in _sock_diag.in_state(channel, 1) if tcp.local[1] == port]
        assert [tcp.inode for tcp in found] == [0, 0]
        [listener] = [tcp for tcp in _listed(_sock_diag.LISTEN).values() if tcp.inode == inode(server)]
        assert (listener.recv_q, listener.send_q, listener.local) == (2, 3, ("127.0.0.1", port))
        for client in clients:
            client.close()


def test_a_reset_socket_is_in_no_listing_though_its_fd_is_open() -> None:
    with reset() as sock:
        assert inode(sock) not in _census().by_inode


def test_unsent_bytes() -> None:
    with connection() as both:
        both.ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while both.ours.send(b"." * 65536):
                pass
        both.theirs.shutdown(socket.SHUT_WR)
        assert _listed(_sock_diag.CLOSE_WAIT)[inode(both.ours)].send_q > 1000


def test_keepalive_shows_in_the_timer() -> None:
    with half_closed() as sock:
        assert _listed(_sock_diag.CLOSE_WAIT)[inode(sock)].timer == 0
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        assert _listed(_sock_diag.CLOSE_WAIT)[inode(sock)].timer == _sock_diag.TIMER_KEEPALIVE
