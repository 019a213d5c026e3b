# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the TCP sockets of a process have done: one listing of its network namespace, with tcp_info (sock_diag(7))."""

from __future__ import annotations

from typing import Collection, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _netns, _sock_diag


class Connections(NamedTuple):
    """``waiting``: connections that nobody has accepted yet. ``unread``: connections with bytes that it has not read.

    ``sent_ago_s``: how long ago it last sent on any of them, None where none has sent or there is none.
    """

    listening: int
    waiting: int
    connected: int
    unread: int
    sent_ago_s: Optional[float]


def of(pid: int, inodes: Collection[int], proc: str = "/proc") -> Connections:
    """Those of these socket inodes that are TCP. Raises OSError."""
    namespaces, _denied = _netns.discover([pid], proc)
    if not namespaces:
        raise ProcessLookupError("process %d is gone" % pid)
    with _netns.entered(namespaces[0], proc):
        sock = _sock_diag.open_socket()
    with sock:
        return summary(_sock_diag.of_inodes(sock, frozenset(inodes)))


def summary(sockets: Collection[_sock_diag.TcpSocket]) -> Connections:
    """The figures of these sockets."""
    listeners = [one for one in sockets if one.state == _sock_diag.LISTEN]
    others = [one for one in sockets if one.state != _sock_diag.LISTEN]
    sent = [one.times.last_data_sent / 1000 for one in others if one.times is not None]
    return Connections(
        listening=len(listeners),
        waiting=sum(one.recv_q for one in listeners),
        connected=len(others),
        unread=sum(1 for one in others if one.recv_q),
        sent_ago_s=min(sent, default=None),
    )
