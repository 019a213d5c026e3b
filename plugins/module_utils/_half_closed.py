# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long ago the peer closed, and how long the connection had been idle then: bounds from ``tcp_info``.

The FIN is the last segment that a well-behaved peer sends, and every segment carries an ACK, so ``last_ack_recv``
is at most the FIN's age. It *is* the FIN's age unless something of ours made the peer answer afterwards: a
keepalive probe (inet_diag's timer says when one is armed) or data. ``last_data_recv`` is at least the FIN's age.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _sock_diag


class Bounds(NamedTuple):
    """Seconds; ``max`` None when nothing bounds it."""

    min: float
    max: Optional[float]


class Clock(NamedTuple):
    """``age``: since the FIN; ``idle_at_fin``: from the last byte either way to the FIN."""

    age: Bounds
    idle_at_fin: Bounds


def clock(sock: _sock_diag.TcpSocket) -> Clock:
    """Bounds for one CLOSE_WAIT socket."""
    if sock.times is None:
        return Clock(Bounds(0.0, None), Bounds(0.0, None))
    quiet = sock.times.last_data_sent >= sock.times.last_ack_recv
    exact = quiet and sock.timer != _sock_diag.TIMER_KEEPALIVE
    age = sock.times.last_ack_recv / 1000.0
    active = min(sock.times.last_data_recv, sock.times.last_data_sent) if quiet else sock.times.last_data_recv
    idle = max(0.0, active / 1000.0 - age)
    oldest = max(age, sock.times.last_data_recv / 1000.0)
    return Clock(Bounds(age, age if exact else oldest), Bounds(idle if exact else 0.0, idle))


def least_age(sock: _sock_diag.TcpSocket) -> float:
    """``clock(sock).age.min``, for very many."""
    return sock.times.last_ack_recv / 1000.0 if sock.times else 0.0


def unread_bytes(sock: _sock_diag.TcpSocket) -> int:
    """Data that closing would lose: the receive queue of a half-closed socket counts the unread FIN as one byte."""
    return max(0, sock.recv_q - 1)
