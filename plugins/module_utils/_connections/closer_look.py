# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at of the largest crowds only: the ports they take, and how idle their connections are."""

from __future__ import annotations

import socket
from collections import Counter
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _netns, _sock_diag
from ansible_collections.closewait.remediation.plugins.module_utils._connections import (
    crowding,
    opened,
    port_range,
    survey,
)

#: Name of the program, and the remote.
Key = Tuple[str, opened.Remote]
#: A remote without its namespace.
End = Tuple[int, bytes, bytes]
#: The connections that are asked, of each crowd.
Members = Dict[Key, List[survey.Row]]


class Ports(NamedTuple):
    """Local ports in use between one source address and one remote: what a further connection competes for."""

    source: str
    used: int
    time_wait: int
    available: int


class Idle(NamedTuple):
    """A sample. ``seconds``: since the last byte either way, sorted; ``waiting``: asked, and not answered yet."""

    seconds: List[float]
    waiting: int


class Place(NamedTuple):
    """A network namespace, and what was opened from it."""

    namespace: _netns.Namespace
    opened: opened.Opened


class Seen(NamedTuple):
    """One crowd."""

    ports: Ports
    idle: Idle


def look(place: Place, crowds: Iterable[crowding.Crowd], members: Members, proc: str = "/proc") -> Dict[Key, Seen]:
    """Those of these crowds that are in this namespace, by name and remote. Raises OSError."""
    ours = [crowd for crowd in crowds if crowd.remote[0] == place.namespace.netns]
    if not ours:
        return {}
    with _netns.entered(place.namespace, proc):
        sock = _sock_diag.open_socket()
        available = port_range.available(proc)
    taken = used_towards(place.opened, {crowd.remote[1:] for crowd in ours})
    with sock:
        return {
            (crowd.name, crowd.remote): Seen(
                ports(crowd.remote[1], taken[crowd.remote[1:]], available),
                _idle(sock, members.get((crowd.name, crowd.remote), ())),
            )
            for crowd in ours
        }


def by_crowd(rows: Mapping[int, survey.Row], sampled: Mapping[int, crowding.Crowd]) -> Members:
    """Both arguments are by inode."""
    groups: Dict[Key, List[survey.Row]] = {}
    for inode, crowd in sampled.items():
        groups.setdefault((crowd.name, crowd.remote), []).append(rows[inode])
    return groups


def used_towards(seen: opened.Opened, wanted: Iterable[End]) -> Dict[End, Counter[Tuple[bytes, int]]]:
    """Ports in use towards each of these remotes, by source address and state."""
    taken: Dict[End, Counter[Tuple[bytes, int]]] = {end: Counter() for end in wanted}
    for (family, address, port, source, state), number in seen.towards.items():
        if (family, address, port) in taken:
            taken[family, address, port][source, state] += number
    return taken


def ports(family: int, taken: Counter[Tuple[bytes, int]], available: int) -> Ports:
    """Of the source address that has most in use: a socket in any state, TIME_WAIT too, keeps its port."""
    used: Counter[bytes] = Counter()
    for (source, _state), number in taken.items():
        used[source] += number
    source, most = used.most_common(1)[0]
    return Ports(_sock_diag.address(family, source), most, taken[source, _sock_diag.TIME_WAIT], available)


def _idle(sock: socket.socket, rows: Sequence[survey.Row]) -> Idle:
    """Ask about these connections. Raises ``NetlinkError``."""
    found = [_sock_diag.lookup(sock, row[survey.FAMILY], _sockid(row)) for row in rows]
    times = [tcp.times for tcp in found if tcp is not None and tcp.times is not None]
    seconds = sorted(min(item.last_data_sent, item.last_data_recv) / 1000.0 for item in times)
    return Idle(seconds, sum(1 for item in times if item.last_data_sent < item.last_data_recv))


def _sockid(row: survey.Row) -> bytes:
    local, remote = (row[survey.LOCAL_PORT], row[survey.LOCAL]), (row[survey.REMOTE_PORT], row[survey.REMOTE])
    return _sock_diag.sockid(local, remote)
