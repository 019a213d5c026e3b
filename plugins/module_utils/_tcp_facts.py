# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON shapes of the ``tcp`` subset. Pure: sockets, holders and watchers in, plain data out.

Counts are exact; lists are cut at ``limit`` with the cut stated, what matters most first.
"""

from __future__ import annotations

import bisect
import socket
from collections import Counter
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _half_closed,
    _holders,
    _netns,
    _sock_diag,
    _vanished,
    _watchers,
)

Fact = Dict[str, Any]
Index = Mapping[int, List[_holders.Holder]]

#: Upper ends, in seconds, of the classes into which FIN ages are counted; the last is open.
AGE_CLASSES = (10, 60, 600, 3600, 21600, 86400)
_AGE_NAMES = [*map(str, AGE_CLASSES), "inf"]
HOLDERS_SHOWN = 16


class Placed(NamedTuple):
    """A TCP socket and the network namespace in which it was listed."""

    netns: int
    tcp: _sock_diag.TcpSocket


def states(counts: Mapping[int, int]) -> dict[str, int]:
    """Sockets per state name."""
    return {_sock_diag.STATES.get(number, str(number)): count for number, count in sorted(counts.items())}


def namespace(item: _netns.Namespace) -> Fact:
    """``{netns, pid, processes}``: one member, and how many there were."""
    return {"netns": item.netns, "pid": item.pids[0], "processes": len(item.pids)}


def endpoint(address: tuple[str, int]) -> Fact:
    """``{address, port}``."""
    return {"address": address[0], "port": address[1]}


def holder(item: _holders.Holder) -> Fact:
    """``{pid, start_time, fd, name}``."""
    return {"pid": item.pid, "start_time": item.start_time, "fd": item.fd, "name": item.name}


def close_wait(
    sockets: Sequence[Placed], holders: Index, registrations: Mapping[int, List[_watchers.Watcher]], limit: int
) -> Fact:
    """Totals and samples of the half-closed sockets; ``fd_limit`` of each process is left to the caller."""
    shown = sorted(sockets, key=lambda placed: _rank(placed, registrations))[:limit]
    peers = _by_peer(sockets)
    processes = by_process(sockets, holders, registrations)
    return {
        "total": len(sockets),
        "unaccepted": sum(1 for placed in sockets if not placed.tcp.inode),
        "unowned": sum(1 for placed in sockets if placed.tcp.inode and placed.tcp.inode not in holders),
        "sockets": [half_closed(placed, holders, registrations) for placed in shown],
        "omitted": len(sockets) - len(shown),
        "by_peer": peers[:limit],
        "by_peer_omitted": max(0, len(peers) - limit),
        "by_process": processes[:limit],
        "by_process_omitted": max(0, len(processes) - limit),
    }


def half_closed(placed: Placed, holders: Index, registrations: Mapping[int, List[_watchers.Watcher]]) -> Fact:
    """One CLOSE_WAIT socket; queues in bytes, times in seconds."""
    tcp = placed.tcp
    times = _half_closed.clock(tcp)
    owners = holders.get(tcp.inode, []) if tcp.inode else []
    return {
        "netns": placed.netns,
        "family": "ipv4" if tcp.family == socket.AF_INET else "ipv6",
        "local": endpoint(tcp.local),
        "remote": endpoint(tcp.remote),
        "state": _sock_diag.STATES[tcp.state],
        "inode": tcp.inode,
        "cookie": cookie(tcp),
        "uid": tcp.uid,
        "recv_q": tcp.recv_q,
        "send_q": tcp.send_q,
        "unread_bytes": _half_closed.unread_bytes(tcp),
        "fin_read": tcp.recv_q == 0,
        "age_s": _bounds(times.age),
        "idle_at_fin_s": _bounds(times.idle_at_fin),
        "holders": [holder(item) for item in owners[:HOLDERS_SHOWN]],
        "holders_omitted": max(0, len(owners) - HOLDERS_SHOWN),
        "registrations": [_registration(w) for w in registrations.get(tcp.inode, [])[:HOLDERS_SHOWN]],
    }


def cookie(tcp: _sock_diag.TcpSocket) -> str:
    """The kernel's socket cookie as 16 hex digits: JSON numbers lose bits above 2**53."""
    return "%016x" % tcp.cookie


def listeners(sockets: Sequence[Placed], holders: Index, limit: int) -> Fact:
    """Listening sockets with their owners."""
    rows = [
        {
            "netns": placed.netns,
            "address": placed.tcp.local[0],
            "port": placed.tcp.local[1],
            "inode": placed.tcp.inode,
            "holders": [holder(item) for item in holders.get(placed.tcp.inode, [])[:HOLDERS_SHOWN]],
        }
        for placed in sockets
    ]
    rows.sort(key=lambda row: (row["netns"], row["port"], row["address"]))
    return {"sockets": rows[:limit], "omitted": max(0, len(rows) - limit)}


def watchers(found: Sequence[_watchers.Watcher], sockets: Mapping[int, Placed], holders: Index, limit: int) -> Fact:
    """Level-triggered registrations: how many, and those that could make a loop spin, running processes first."""
    suspects = [watcher for watcher in found if _watchers.suspect(watcher)]
    suspects.sort(key=_watcher_rank)
    return {
        "level_triggered": sum(1 for watcher in found if watcher.level_triggered),
        "suspects": [watcher_fact(watcher, sockets, holders) for watcher in suspects[:limit]],
        "omitted": max(0, len(suspects) - limit),
    }


def watcher_fact(watcher: _watchers.Watcher, sockets: Mapping[int, Placed], holders: Index) -> Fact:
    """One registration with the socket behind it, and what its number means in that process now."""
    number_now = watcher.owner.table.sockets.get(watcher.fd)
    owners = holders.get(watcher.inode, [])
    return {
        **_registration(watcher),
        "name": watcher.owner.name,
        "inode": watcher.inode,
        "kind": watcher.kind,
        "socket": _watched_socket(watcher, sockets),
        "number_now": _number_now(watcher, number_now),
        "holders": [holder(item) for item in owners[:HOLDERS_SHOWN]],
        "holders_omitted": max(0, len(owners) - HOLDERS_SHOWN),
    }


def vanished(found: Sequence[_vanished.Vanished], netns_of: Mapping[int, int], limit: int) -> Fact:
    """Sockets that no listing shows any more; those silent for longest last, as a fresh one tells most."""
    asked = [item for item in found if item.past is not None]
    asked.sort(key=lambda item: (item.past.silent_s if item.past else 0.0, item.inode))
    return {
        "total": len(asked),
        "unasked": len(found) - len(asked),
        "sockets": [_vanished_socket(item, netns_of) for item in asked[:limit]],
        "omitted": max(0, len(asked) - limit),
    }


def _vanished_socket(item: _vanished.Vanished, netns_of: Mapping[int, int]) -> Fact:
    past = item.past
    return {
        "netns": netns_of.get(item.holders[0].pid),
        "local": endpoint(past.local) if past else None,
        "remote": endpoint(past.remote) if past else None,
        "inode": item.inode,
        "cookie": past.cookie if past else None,
        "silent_s": round(past.silent_s, 3) if past else None,
        "holders": [holder(owner) for owner in item.holders[:HOLDERS_SHOWN]],
        "holders_omitted": max(0, len(item.holders) - HOLDERS_SHOWN),
    }


class _Tally(NamedTuple):
    """Of one process: how long ago, at least, each peer closed, and how many of these sockets it watches."""

    process: _holders.Holder
    ages: List[float]
    watched: List[int]


def by_process(
    sockets: Sequence[Placed], holders: Index, registrations: Mapping[int, List[_watchers.Watcher]]
) -> list[Fact]:
    """Half-closed sockets per process that holds them, watched ones and large numbers first."""
    tallies: dict[tuple[int, int], _Tally] = {}
    for tcp in (placed.tcp for placed in sockets):
        age = _half_closed.least_age(tcp)
        watching = {watcher.owner.pid for watcher in registrations.get(tcp.inode, ())}
        for item in _one_per_process(holders.get(tcp.inode, ())):
            key = item.pid, item.start_time
            tally = tallies.get(key) or tallies.setdefault(key, _Tally(item, [], []))
            tally.ages.append(age)
            if item.pid in watching:
                tally.watched.append(tcp.inode)
    rows = map(_process_row, tallies.values())
    return sorted(rows, key=lambda row: (-row["watched"], -row["total"], row["pid"]))


def _process_row(tally: _Tally) -> Fact:
    classes = Counter(bisect.bisect(AGE_CLASSES, age) for age in tally.ages)
    return {
        "pid": tally.process.pid,
        "start_time": tally.process.start_time,
        "name": tally.process.name,
        "total": len(tally.ages),
        "watched": len(tally.watched),
        "oldest_s": max(tally.ages),
        "youngest_s": min(tally.ages),
        "ages": {name: classes[number] for number, name in enumerate(_AGE_NAMES)},
        "fd_limit": None,
    }


def _one_per_process(items: Sequence[_holders.Holder]) -> Sequence[_holders.Holder]:
    return items if len(items) < 2 else list({item.pid: item for item in items}.values())


def _by_peer(sockets: Iterable[Placed]) -> list[Fact]:
    rows: dict[tuple[str, int], Fact] = {}
    for placed in sockets:
        # A peer is a service where we are the client, and a client (with a port that means nothing) where we serve.
        row = rows.get(placed.tcp.remote) or rows.setdefault(placed.tcp.remote, _peer_row(placed.tcp.remote))
        row["total"] += 1
        row["unaccepted"] += int(not placed.tcp.inode)
    return sorted(rows.values(), key=lambda row: (-row["total"], row["address"], row["port"]))


def _peer_row(remote: tuple[str, int]) -> Fact:
    return {**endpoint(remote), "total": 0, "unaccepted": 0}


def _watcher_rank(watcher: _watchers.Watcher) -> tuple[bool, bool, bool, int, int]:
    return (
        not watcher.owner.running,
        watcher.state != "CLOSE_WAIT",
        watcher.kind != _watchers.GHOST,
        watcher.owner.pid,
        watcher.fd,
    )


def _rank(placed: Placed, registrations: Mapping[int, List[_watchers.Watcher]]) -> tuple[bool, bool, bool, float]:
    watched = running = False
    for watcher in registrations.get(placed.tcp.inode, ()):
        watched |= watcher.level_triggered
        running |= watcher.level_triggered and watcher.owner.running
    return (not running, not watched, not placed.tcp.inode, -_half_closed.least_age(placed.tcp))


def _registration(watcher: _watchers.Watcher) -> Fact:
    return {
        "pid": watcher.owner.pid,
        "start_time": watcher.owner.start_time,
        "epoll_fd": watcher.epoll_fd,
        "fd": watcher.fd,
        "events": watcher.events,
        "level_triggered": watcher.level_triggered,
        "kind": watcher.kind,
    }


def _watched_socket(watcher: _watchers.Watcher, sockets: Mapping[int, Placed]) -> Optional[Fact]:
    placed = sockets.get(watcher.inode)
    if placed is None:
        return None if watcher.state is None else {"state": watcher.state}
    return {
        "netns": placed.netns,
        "state": watcher.state,
        "cookie": cookie(placed.tcp),
        "local": endpoint(placed.tcp.local),
        "remote": endpoint(placed.tcp.remote),
        "recv_q": placed.tcp.recv_q,
        "send_q": placed.tcp.send_q,
    }


def _number_now(watcher: _watchers.Watcher, inode: Optional[int]) -> Optional[Fact]:
    if inode is not None:
        return {"inode": inode, "link": "socket:[%d]" % inode}
    is_open = watcher.fd in watcher.owner.table.others or watcher.fd in watcher.owner.table.epolls
    return {"inode": None, "link": None} if is_open else None


def _bounds(bounds: _half_closed.Bounds) -> Fact:
    return {
        "min": round(bounds.min, 3),
        "max": None if bounds.max is None else round(bounds.max, 3),
    }
