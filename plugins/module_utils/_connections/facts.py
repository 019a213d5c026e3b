# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON shape of the outgoing connections. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _sock_diag, _tcp_facts
from ansible_collections.closewait.remediation.plugins.module_utils._connections import crowding, outgoing

Fact = Dict[str, Any]

#: A row is some 300 bytes, and says little where another hundred say the same.
ROWS = 20
REMOTES_SHOWN = 3


class Host(NamedTuple):
    """All namespaces together, and who holds what."""

    namespaces: Sequence[outgoing.Outgoing]
    processes: Sequence[crowding.Held]


def fact(host: Host, limit: int) -> Fact:
    """Exact totals; rows only for what holds at least ``outgoing.CROWD`` connections, the largest first."""
    rows = min(limit, ROWS)
    crowds = sorted(
        (c for part in host.namespaces for c in part.crowds), key=lambda crowd: (-crowd.total, crowd.remote)
    )
    cut = sum(part.omitted for part in host.namespaces)
    counts = crowding.per_process(host.processes, [crowd.remote for crowd in crowds])
    holding = sorted((p for p in host.processes if p.total >= outgoing.CROWD), key=_rank)
    return {
        "opened": sum(part.opened for part in host.namespaces),
        "incoming": sum(part.incoming for part in host.namespaces),
        "unowned": _unowned(host),
        "by_remote": [_remote(crowd, counts[crowd.remote]) for crowd in crowds[:rows]],
        "by_remote_omitted": max(0, len(crowds) - rows) + cut,
        "by_process": [process(item) for item in holding[:rows]],
        "by_process_omitted": max(0, len(holding) - rows),
    }


def process(item: crowding.Held) -> Fact:
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


def _remote(crowd: outgoing.Crowd, counts: List[int]) -> Fact:
    seconds = crowd.idle.seconds
    return {
        "netns": crowd.remote[0],
        **_end(crowd.remote),
        "total": crowd.total,
        "processes": len(counts),
        "p50": crowding.median(counts),
        "max": max(counts, default=0),
        "source": crowd.ports.source,
        "ports_used": crowd.ports.used,
        "time_wait": crowd.ports.time_wait,
        "ports": crowd.ports.available,
        "sampled": len(seconds),
        "waiting": crowd.idle.waiting,
        "idle_p50_s": round(seconds[(len(seconds) - 1) // 2], 3) if seconds else None,
        "idle_max_s": round(seconds[-1], 3) if seconds else None,
    }


def _end(remote: outgoing.Remote) -> Fact:
    _netns, family, address, port = remote
    return _tcp_facts.endpoint((_sock_diag.address(family, address), int.from_bytes(port, "big")))


def _rank(item: crowding.Held) -> Tuple[int, int, int]:
    # Many to each of many: that is the crowd that a rule asks about. A busy pool to one remote comes after it.
    return (-item.median * len(item.remotes), -item.total, item.owner.pid)


def _unowned(host: Host) -> int:
    """Connections of which no holder was seen."""
    inodes = {inode for part in host.namespaces for inode in part.remote_of}
    for item in host.processes:
        inodes.difference_update(item.owner.table.sockets.values())
    return len(inodes)
