# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``accept_queues`` of the ``tcp`` subset: what waits to be accepted, and what those who should accept do instead.

Looked at twice. A queue that stands in both looks, and half-closed connections that nobody took notice of in between,
tell a program that does not get round to them from one that has much to do. Shapes: ``_accept_queue_facts``,
``_acceptor_facts``.
"""

from __future__ import annotations

import time
from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _accept_queue_facts,
    _holders,
    _listen_counters,
    _netns,
    _sock_diag,
    _tcp_facts,
)

Counters = Dict[int, Optional[_listen_counters.ListenCounters]]


class FirstLook(NamedTuple):
    """``when`` on the monotonic clock; ``queues``: connections waiting, by cookie of the listening socket.

    ``half_closed``: cookies of all sockets in CLOSE_WAIT; ``listed``: the namespaces that all this is known of.
    """

    when: float
    counters: Counters
    queues: Dict[int, int]
    half_closed: FrozenSet[int]
    listed: FrozenSet[int]


class SecondLook(NamedTuple):
    """What the collector has listed."""

    namespaces: Sequence[_netns.Namespace]
    listen: Sequence[_tcp_facts.Placed]
    close_wait: Sequence[_tcp_facts.Placed]
    holders: Mapping[int, List[_holders.Holder]]


def first_look(namespaces: Sequence[_netns.Namespace], proc: str = "/proc") -> FirstLook:
    """Cheap: the kernel filters, and most hosts have few of either. The second look tells what cannot be listed."""
    counters = _counters(namespaces, proc)
    queues: Dict[int, int] = {}
    half_closed: List[int] = []
    listed: List[int] = []
    for namespace in namespaces:
        try:
            with _netns.entered(namespace, proc):
                sock = _sock_diag.open_socket()
            with sock:
                queues.update((tcp.cookie, tcp.recv_q) for tcp in _sock_diag.in_state(sock, _sock_diag.LISTEN))
                half_closed += _sock_diag.cookies(sock, _sock_diag.CLOSE_WAIT)
        except OSError:
            continue
        listed.append(namespace.netns)
    return FirstLook(time.monotonic(), counters, queues, frozenset(half_closed), frozenset(listed))


def collect(first: FirstLook, now: SecondLook, max_items: int, proc: str = "/proc") -> Dict[str, Any]:
    """The facts. Takes a second longer where something waits, and no time where nothing does."""
    counters = _counters(now.namespaces, proc)
    window = time.monotonic() - first.when
    rows = _accept_queue_facts.pressed(_before(first), now.listen, now.close_wait)
    processes, omitted = _acceptors(rows, now, proc)
    return {
        "window_s": round(window, 3),
        "namespaces": _accept_queue_facts.namespaces(first.counters, counters, window)[:max_items],
        "listeners": [_accept_queue_facts.listener(row, now.holders) for row in rows[:max_items]],
        "omitted": max(0, len(rows) - max_items),
        "processes": processes,
        "processes_omitted": omitted,
    }


def _acceptors(
    rows: Sequence[_accept_queue_facts.Pressed], now: SecondLook, proc: str
) -> Tuple[List[Dict[str, Any]], int]:
    standing = [row.listener for row in rows if row.stands]
    if not standing:
        return [], 0
    from ansible_collections.closewait.remediation.plugins.module_utils import _acceptors

    wanted = {row.listener.netns for row in rows}
    places = [namespace for namespace in now.namespaces if namespace.netns in wanted]
    return _acceptors.followed(standing, now.holders, places, proc)


def uncounted(
    facts: Mapping[str, Any], first: FirstLook, namespaces: Sequence[_netns.Namespace], proc: str = "/proc"
) -> List[Dict[str, str]]:
    """Errors for namespaces whose counters could not be read.

    One that is new since the first look has none, and one that all have left since has nothing to tell.
    """
    unread = {
        row["netns"] for row in facts["namespaces"] if row["overflows"] is None and row["netns"] in first.counters
    }
    reason = "it cannot be read, or has no ListenOverflows"
    return [
        {"source": "net/netstat in network namespace %d" % namespace.netns, "reason": reason}
        for namespace in namespaces
        if namespace.netns in unread and not _netns.is_deserted(namespace, proc)
    ]


def _before(first: FirstLook) -> _accept_queue_facts.Before:
    return _accept_queue_facts.Before(first.queues, first.half_closed, first.listed)


def _counters(namespaces: Sequence[_netns.Namespace], proc: str) -> Counters:
    return {
        namespace.netns: _listen_counters.of_members(namespace.pids, namespace.netns, proc) for namespace in namespaces
    }
