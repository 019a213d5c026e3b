# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounds on the FIN's age and on the idle time before it: a table, and real connections with known times."""

from __future__ import annotations

import socket
import time
from typing import Callable, List, NamedTuple, Optional, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _half_closed, _sock_diag
from ansible_collections.closewait.remediation.plugins.module_utils._half_closed import Bounds
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    JIFFY,
    connection,
    half_closed,
    inode,
    wait_for_state,
    wait_until,
)


class Span(NamedTuple):
    """When something happened, as closely as can be told from outside (s)."""

    begin: float
    end: float


def between(action: Callable[[], object]) -> Span:
    begin = time.monotonic()
    action()
    return Span(begin, time.monotonic())


def _socket(times: Optional[_sock_diag.Times], timer: int = 0, recv_q: int = 0) -> _sock_diag.TcpSocket:
    return _sock_diag.TcpSocket(
        family=int(socket.AF_INET),
        state=8,
        timer=timer,
        local=("192.0.2.1", 5),
        remote=("192.0.2.2", 6),
        cookie=7,
        recv_q=recv_q,
        send_q=0,
        uid=0,
        inode=9,
        sockid=b"",
        times=times,
    )


#: sent, received, acknowledged (ms ago), timer; then age and idle-at-FIN (s)
TABLE = [
    pytest.param((4200, 4200, 1700), 0, (1.7, 1.7), (2.5, 2.5), id="sent-and-answered-then-fin"),
    pytest.param((9000, 3000, 2000), 0, (2.0, 2.0), (1.0, 1.0), id="received-last"),
    pytest.param((3000, 9000, 2000), 0, (2.0, 2.0), (1.0, 1.0), id="sent-last"),
    pytest.param((2000, 2000, 2000), 0, (2.0, 2.0), (0.0, 0.0), id="fin-with-the-last-byte"),
    # A keepalive probe was answered after the FIN: the age is at least the last answer, at most the last data.
    pytest.param((9000, 8000, 500), 2, (0.5, 8.0), (0.0, 7.5), id="keepalive"),
    pytest.param((3000, 8000, 500), 2, (0.5, 8.0), (0.0, 2.5), id="keepalive-sent-last"),
    # Sent after the last answer: the peer has not even acknowledged, so nothing says when the FIN came.
    pytest.param((100, 8000, 500), 0, (0.5, 8.0), (0.0, 7.5), id="sent-after-the-last-answer"),
    # Clock granularity may put the last data after the last ACK.
    pytest.param((900, 400, 500), 0, (0.5, 0.5), (0.0, 0.0), id="received-after-the-last-ack"),
    pytest.param((86_400_000, 86_400_000, 3_600_000), 0, (3600, 3600), (82800, 82800), id="a-day"),
]


@pytest.mark.parametrize(("times", "timer", "age", "idle"), TABLE)
def test_bounds(times: Tuple[int, int, int], timer: int, age: Tuple[float, float], idle: Tuple[float, float]) -> None:
    clock = _half_closed.clock(_socket(_sock_diag.Times(*times), timer))
    assert clock.age == pytest.approx(age)
    assert _half_closed.least_age(_socket(_sock_diag.Times(*times), timer)) == clock.age.min
    assert clock.idle_at_fin == pytest.approx(idle)


def test_nothing_is_known_without_times() -> None:
    assert _half_closed.clock(_socket(None)) == (Bounds(0.0, None), Bounds(0.0, None))
    assert _half_closed.least_age(_socket(None)) == 0.0


@pytest.mark.parametrize(("recv_q", "unread"), [(0, 0), (1, 0), (2, 1), (4097, 4096)])
def test_the_fin_is_no_byte(recv_q: int, unread: int) -> None:
    assert _half_closed.unread_bytes(_socket(None, recv_q=recv_q)) == unread


def _clock(sock: socket.socket) -> _half_closed.Clock:
    with _sock_diag.open_socket() as channel:
        listed = {tcp.inode: tcp for tcp in _sock_diag.in_state(channel, _sock_diag.CLOSE_WAIT)}
    return _half_closed.clock(listed[inode(sock)])


def test_a_real_connection_with_known_times() -> None:
    with connection() as both:
        both.ours.sendall(b"ask")
        both.theirs.recv(3)
        data = between(lambda: both.theirs.sendall(b"answer"))
        both.ours.recv(6)
        time.sleep(0.4)
        fin = between(both.theirs.close)
        wait_for_state(both.ours, 8)
        time.sleep(0.25)
        looks: List[_half_closed.Clock] = []
        look = between(lambda: looks.append(_clock(both.ours)))
        [clock] = looks
        assert clock.age.max is not None
        assert clock.age.min - JIFFY <= look.end - fin.begin
        assert look.begin - fin.end <= clock.age.max + JIFFY
        assert fin.begin - data.end - JIFFY <= clock.idle_at_fin.min <= fin.end - data.begin + JIFFY
        assert clock.idle_at_fin.max == clock.idle_at_fin.min


def test_real_keepalive_probes_widen_the_bounds_but_keep_the_truth_between_them() -> None:
    with connection() as both:
        sock = both.ours
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        data = between(lambda: both.theirs.sendall(b"x"))
        sock.recv(1)
        time.sleep(0.1)
        # Not closed: the other end's fd stays open, so that its kernel answers the probes.
        fin = between(lambda: both.theirs.shutdown(socket.SHUT_WR))
        wait_for_state(sock, 8)
        # Without an answered probe the age would be known exactly.
        wait_until(lambda: _clock(sock).age.min < time.monotonic() - fin.end - 0.5)
        began = time.monotonic()
        clock = _clock(sock)
        assert clock.age.max is not None
        assert clock.idle_at_fin.max is not None
        assert clock.age.min - JIFFY <= time.monotonic() - fin.begin
        assert began - fin.end <= clock.age.max + JIFFY
        assert clock.idle_at_fin.min - JIFFY <= fin.end - data.begin
        assert fin.begin - data.end <= clock.idle_at_fin.max + JIFFY


def test_unread_bytes_of_a_real_connection() -> None:
    with half_closed(unread=21) as sock, _sock_diag.open_socket() as channel:
        [tcp] = [tcp for tcp in _sock_diag.in_state(channel, 8) if tcp.inode == inode(sock)]
        assert _half_closed.unread_bytes(tcp) == 21
