# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at of the largest crowds only: the ports they take, and how idle their connections are."""

from __future__ import annotations

import socket
from collections import Counter
from itertools import chain, compress
from operator import itemgetter
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _netns, _sock_diag
from ansible_collections.closewait.remediation.plugins.module_utils._connections import (
    crowding,
    listing,
    opened,
    port_range,
    survey,
)

#: Name of the program, and the remote.
Key = Tuple[str, opened.Remote]
#: A remote without its namespace.
End = Tuple[int, bytes, bytes]


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


class Seen(NamedTuple):
    """One crowd."""

    ports: Ports
    idle: Idle


def look(
    part: listing.Listed, crowds: Iterable[crowding.Crowd], sampled: Mapping[int, crowding.Crowd], proc: str = "/proc"
) -> Dict[Key, Seen]:
    """Those of these crowds that are in this namespace, by name and remote. Raises OSError.

    ``sampled``: by inode, the connections that are asked.
    """
    ours = [crowd for crowd in crowds if crowd.remote[0] == part.namespace.netns]
    if not ours:
        return {}
    with _netns.entered(part.namespace, proc):
        sock = _sock_diag.open_socket()
        available = port_range.available(proc)
    taken = _by_end(part.all.rows, {crowd.remote[1:] for crowd in ours})
    members = _by_crowd(chain.from_iterable(taken.values()), sampled)
    with sock:
        return {
            (crowd.name, crowd.remote): Seen(
                ports(taken[crowd.remote[1:]], available), idle(sock, members.get((crowd.name, crowd.remote), []))
            )
            for crowd in ours
        }


def ports(rows: Sequence[survey.Row], available: int) -> Ports:
    """Of the source address that has most in use: a socket in any state, TIME_WAIT too, keeps its port."""
    source, used = Counter(map(itemgetter(survey.LOCAL), rows)).most_common(1)[0]
    waiting = Counter(map(itemgetter(survey.LOCAL, survey.STATE), rows))[source, _sock_diag.TIME_WAIT]
    return Ports(_sock_diag.address(rows[0][survey.FAMILY], source), used, waiting, available)


def idle(sock: socket.socket, rows: Sequence[survey.Row]) -> Idle:
    """Ask about these connections. Raises ``NetlinkError``."""
    found = [_sock_diag.lookup(sock, row[survey.FAMILY], _sockid(row)) for row in rows]
    times = [tcp.times for tcp in found if tcp is not None and tcp.times is not None]
    seconds = sorted(min(item.last_data_sent, item.last_data_recv) / 1000.0 for item in times)
    return Idle(seconds, sum(1 for item in times if item.last_data_sent < item.last_data_recv))


def _by_end(rows: Sequence[survey.Row], wanted: set[End]) -> Dict[End, List[survey.Row]]:
    groups: Dict[End, List[survey.Row]] = {end: [] for end in wanted}
    # Most rows lead elsewhere, as nearly always the port alone tells.
    numbers = {port for _family, _address, port in wanted}
    for row in compress(rows, map(numbers.__contains__, map(itemgetter(survey.REMOTE_PORT), rows))):
        end = opened.end(row)
        if end in groups:
            groups[end].append(row)
    return groups


def _by_crowd(rows: Iterable[survey.Row], crowd_of: Mapping[int, crowding.Crowd]) -> Dict[Key, List[survey.Row]]:
    groups: Dict[Key, List[survey.Row]] = {}
    for row in rows:
        crowd = crowd_of.get(row[survey.INODE])
        if crowd is not None:
            groups.setdefault((crowd.name, crowd.remote), []).append(row)
    return groups


def _sockid(row: survey.Row) -> bytes:
    local, remote = (row[survey.LOCAL_PORT], row[survey.LOCAL]), (row[survey.REMOTE_PORT], row[survey.REMOTE])
    return _sock_diag.sockid(local, remote)
