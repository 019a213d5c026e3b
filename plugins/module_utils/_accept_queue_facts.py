# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON shapes of ``accept_queues``, without the processes behind them. Pure: two looks in, plain data out."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _holders, _listen_counters, _tcp_facts

Fact = Dict[str, Any]
Counters = Mapping[int, Optional[_listen_counters.ListenCounters]]
Place = Tuple[int, str, int]

PEERS_SHOWN = 8
#: What a socket is bound to that answers at every address.
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared with, never bound to


class Before(NamedTuple):
    """The first look: waiting connections by the listener's cookie, cookies of half-closed ones, namespaces listed."""

    queues: Mapping[int, int]
    half_closed: FrozenSet[int]
    listed: FrozenSet[int]


class Pressed(NamedTuple):
    """A listening socket where something waits. ``before``: its queue at the first look, None when that is not known.

    ``half_closed``: connections to its address and port that the peer has closed; ``stood``: those of them that were so
    at the first look already. Sockets that share address and port (SO_REUSEPORT) share these too.
    """

    listener: _tcp_facts.Placed
    before: Optional[int]
    half_closed: List[_tcp_facts.Placed]
    stood: List[_tcp_facts.Placed]

    @property
    def stands(self) -> bool:
        """Whether the same may have waited all the time, so that it is worth asking what its program does."""
        return bool(self.stood) or (self.listener.tcp.recv_q > 0 and self.before != 0)


def pressed(
    before: Before, listen: Sequence[_tcp_facts.Placed], close_wait: Iterable[_tcp_facts.Placed]
) -> List[Pressed]:
    """Listening sockets with something waiting at either look, the worst first."""
    known = {(placed.netns, *placed.tcp.local) for placed in listen}
    served: Dict[Place, List[_tcp_facts.Placed]] = {}
    for placed in close_wait:
        place = _served_by(placed, known)
        if place is not None:
            served.setdefault(place, []).append(placed)
    rows = [_pressed(before, placed, served.get((placed.netns, *placed.tcp.local), [])) for placed in listen]
    waiting = [row for row in rows if row.half_closed or row.listener.tcp.recv_q or row.before]
    return sorted(waiting, key=_rank)


def _served_by(placed: _tcp_facts.Placed, known: set[Place]) -> Optional[Place]:
    """Where the connection came in; None for one that this host opened itself."""
    address, port = placed.tcp.local
    for candidate in (address, *(WILDCARDS if ":" not in address else WILDCARDS[1:])):
        if (placed.netns, candidate, port) in known:
            return placed.netns, candidate, port
    return None


def _pressed(before: Before, placed: _tcp_facts.Placed, half_closed: List[_tcp_facts.Placed]) -> Pressed:
    queue = before.queues.get(placed.tcp.cookie) if placed.netns in before.listed else None
    stood = [item for item in half_closed if item.tcp.cookie in before.half_closed]
    return Pressed(placed, queue, half_closed, stood)


def _rank(row: Pressed) -> Tuple[int, int, int, str]:
    return -len(row.stood), -row.listener.tcp.recv_q, row.listener.tcp.local[1], row.listener.tcp.local[0]


def listener(row: Pressed, holders: Mapping[int, List[_holders.Holder]]) -> Fact:
    """``queue`` and ``backlog``: connections that wait, and how many may (sk_ack_backlog, sk_max_ack_backlog)."""
    tcp = row.listener.tcp
    owners = holders.get(tcp.inode, [])
    peers = _by_peer(row)
    return {
        "netns": row.listener.netns,
        "address": tcp.local[0],
        "port": tcp.local[1],
        "inode": tcp.inode,
        "queue": tcp.recv_q,
        "queue_before": row.before,
        "backlog": tcp.send_q,
        "half_closed": len(row.half_closed),
        "half_closed_stood": len(row.stood),
        "unaccepted": sum(1 for placed in row.half_closed if not placed.tcp.inode),
        "by_peer": peers[:PEERS_SHOWN],
        "by_peer_omitted": max(0, len(peers) - PEERS_SHOWN),
        "holders": [_tcp_facts.holder(item) for item in owners[: _tcp_facts.HOLDERS_SHOWN]],
        "holders_omitted": max(0, len(owners) - _tcp_facts.HOLDERS_SHOWN),
    }


def _by_peer(row: Pressed) -> List[Fact]:
    """Half-closed connections per remote address, whatever its port."""
    counts: Dict[str, Fact] = {}
    stood = {placed.tcp.cookie for placed in row.stood}
    for placed in row.half_closed:
        address = placed.tcp.remote[0]
        peer = counts.setdefault(address, {"address": address, "half_closed": 0, "stood": 0, "unaccepted": 0})
        peer["half_closed"] += 1
        peer["stood"] += placed.tcp.cookie in stood
        peer["unaccepted"] += not placed.tcp.inode
    return sorted(counts.values(), key=lambda peer: (-peer["half_closed"], peer["address"]))


def namespaces(first: Counters, second: Counters, window: float) -> List[Fact]:
    """How much the counters of each namespace have grown, and per second; null when that is not known."""
    return [_growth(netns, first.get(netns), now, window) for netns, now in sorted(second.items())]


def _growth(
    netns: int,
    before: Optional[_listen_counters.ListenCounters],
    now: Optional[_listen_counters.ListenCounters],
    window: float,
) -> Fact:
    if before is None or now is None:
        return {"netns": netns, "overflows": None, "drops": None, "overflows_per_s": None, "drops_per_s": None}
    overflows, drops = max(0, now.overflows - before.overflows), max(0, now.drops - before.drops)
    seconds = max(window, 1e-3)
    return {
        "netns": netns,
        "overflows": overflows,
        "drops": drops,
        "overflows_per_s": round(overflows / seconds, 2),
        "drops_per_s": round(drops / seconds, 2),
    }
