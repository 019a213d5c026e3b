# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON shape of the connections that were opened from this host. Pure."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _sock_diag, _tcp_facts
from ansible_collections.closewait.remediation.plugins.module_utils._connections import closer_look, crowding, opened

Fact = Dict[str, Any]

#: A row is some 300 bytes, and says little where another twenty say the same.
ROWS = 20
REMOTES_SHOWN = 3


class Host(NamedTuple):
    """All namespaces together. ``crowds``: all of them; ``seen``: what was looked at more closely."""

    namespaces: Sequence[opened.Opened]
    processes: Sequence[crowding.Held]
    crowds: Sequence[crowding.Crowd]
    seen: Dict[Tuple[str, opened.Remote], closer_look.Seen]


def fact(host: Host, limit: int) -> Fact:
    """Exact totals; rows only for what has at least ``crowding.CROWD`` connections, the largest first."""
    shown = [(crowd, host.seen[crowd.name, crowd.remote]) for crowd in host.crowds if _key(crowd) in host.seen]
    holding = sorted((process for process in host.processes if process.total >= crowding.CROWD), key=_rank)
    rows = holding[: min(limit, ROWS)]
    return {
        "opened": sum(part.total for part in host.namespaces),
        "incoming": sum(part.incoming for part in host.namespaces),
        "unowned": _unowned(host),
        "by_remote": [_remote(crowd, seen) for crowd, seen in shown],
        "by_remote_omitted": len(host.crowds) - len(shown),
        "by_process": [_process(item) for item in rows],
        "by_process_omitted": len(holding) - len(rows),
    }


def _process(item: crowding.Held) -> Fact:
    """One process; its limit of open files is left to the caller."""
    owner, table = item.owner, item.owner.table
    top = sorted(item.remotes.items(), key=lambda entry: (-entry[1], entry[0]))
    return {
        "pid": owner.pid,
        "start_time": owner.start_time,
        "name": owner.name,
        "total": item.total,
        "remotes": len(item.remotes),
        "p50": item.median,
        "max": top[0][1],
        "top": [{**_end(remote), "total": count} for remote, count in top[:REMOTES_SHOWN]],
        "fds": len(table.sockets) + len(table.epolls) + len(table.others),
        "fd_limit": None,
    }


def _remote(crowd: crowding.Crowd, seen: closer_look.Seen) -> Fact:
    seconds = seen.idle.seconds
    return {
        "name": crowd.name,
        "netns": crowd.remote[0],
        **_end(crowd.remote),
        "total": crowd.total,
        "processes": len(crowd.counts),
        "p50": crowding.median(crowd.counts),
        "max": max(crowd.counts),
        "source": seen.ports.source,
        "ports_used": seen.ports.used,
        "time_wait": seen.ports.time_wait,
        "ports": seen.ports.available,
        "sampled": len(seconds),
        "waiting": seen.idle.waiting,
        "idle_p50_s": round(seconds[(len(seconds) - 1) // 2], 3) if seconds else None,
        "idle_max_s": round(seconds[-1], 3) if seconds else None,
    }


def _end(remote: opened.Remote) -> Fact:
    _netns, family, address, port = remote
    return _tcp_facts.endpoint((_sock_diag.address(family, address), int.from_bytes(port, "big")))


def _key(crowd: crowding.Crowd) -> Tuple[str, opened.Remote]:
    return crowd.name, crowd.remote


def _rank(item: crowding.Held) -> Tuple[int, int, int]:
    # Many to each of many: that is the crowd that a rule asks about. A busy pool to one remote comes after it.
    return (-item.median * len(item.remotes), -item.total, item.owner.pid)


def _unowned(host: Host) -> int:
    """Connections of which no holder was seen."""
    inodes = set().union(*(part.remote_of.keys() for part in host.namespaces))
    for item in host.processes:
        inodes.difference_update(item.owner.table.sockets.values())
    return len(inodes)
