# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections that this host has opened, per remote address and port, in one network namespace.

What comes in is left out: there the remote port is the client's, and means nothing.
"""

from __future__ import annotations

import socket
from collections import Counter
from operator import itemgetter
from typing import Collection, Dict, Iterable, List, NamedTuple, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _netns, _sock_diag
from ansible_collections.closewait.remediation.plugins.module_utils._connections import listing, port_range, survey

#: Network namespace, family, remote address and port in network order.
Remote = Tuple[int, int, bytes, bytes]
#: The same without the namespace.
End = Tuple[int, bytes, bytes]

#: Fewer connections than this are nobody's crowd.
CROWD = 20
#: Sockets of one remote that are asked how long they have been idle.
SAMPLE = 20

_end = itemgetter(survey.FAMILY, survey.REMOTE, survey.REMOTE_PORT)


class Ports(NamedTuple):
    """Local ports in use between one source address and one remote: what a further connection competes for.

    ``available``: how many there are.
    """

    source: str
    used: int
    time_wait: int
    available: int


class Idle(NamedTuple):
    """A sample. ``seconds``: since the last byte either way, sorted; ``waiting``: asked, and not answered yet."""

    seconds: List[float]
    waiting: int


class Crowd(NamedTuple):
    """Many connections to one remote."""

    remote: Remote
    total: int
    ports: Ports
    idle: Idle


class Outgoing(NamedTuple):
    """``remote_of``: by inode, of every established one; ``crowds``: the largest, and ``omitted`` more."""

    remote_of: Dict[int, Remote]
    opened: int
    incoming: int
    crowds: List[Crowd]
    omitted: int


class Place(NamedTuple):
    """A namespace. ``listening``: its ports (network order) that take connections; ``available``: ports for others."""

    netns: int
    listening: Collection[bytes]
    available: int


def look(sock: socket.socket, place: Place, rows: Sequence[survey.Row], limit: int) -> Outgoing:
    """Count the established among ``rows``, and ask a sample of the largest crowds. Raises ``NetlinkError``."""
    netns = place.netns
    opened, incoming = _established(rows, frozenset(place.listening))
    largest, omitted = _crowds(map(_end, opened), limit)
    in_use, in_touch = _grouped(rows, largest), _grouped(opened, largest)
    crowds = [
        Crowd((netns, *end), total, _ports(in_use[end], place.available), _idle(sock, in_touch[end]))
        for end, total in largest.items()
    ]
    remote_of = {row[survey.INODE]: (netns, *end) for row, end in zip(opened, map(_end, opened))}
    return Outgoing(remote_of, len(opened), incoming, crowds, omitted)


def of(part: listing.Listed, limit: int, proc: str = "/proc") -> Outgoing:
    """The same for a namespace as it was listed. Raises OSError."""
    with _netns.entered(part.namespace, proc):
        sock = _sock_diag.open_socket()
        available = port_range.available(proc)
    listening = {tcp.sockid[:2] for tcp in part.listen}
    with sock:
        return look(sock, Place(part.namespace.netns, listening, available), part.all.rows, limit)


def _established(rows: Iterable[survey.Row], listening: frozenset[bytes]) -> Tuple[List[survey.Row], int]:
    both = [row for row in rows if row[survey.STATE] == _sock_diag.ESTABLISHED]
    opened = [row for row in both if row[survey.LOCAL_PORT] not in listening]
    return opened, len(both) - len(opened)


def _crowds(ends: Iterable[End], limit: int) -> Tuple[Dict[End, int], int]:
    crowds = [(end, total) for end, total in Counter(ends).items() if total >= CROWD]
    crowds.sort(key=lambda item: (-item[1], item[0]))
    return dict(crowds[:limit]), max(0, len(crowds) - limit)


def _grouped(rows: Iterable[survey.Row], wanted: Iterable[End]) -> Dict[End, List[survey.Row]]:
    groups: Dict[End, List[survey.Row]] = {end: [] for end in wanted}
    for row in rows if groups else ():
        group = groups.get(_end(row))
        if group is not None:
            group.append(row)
    return groups


def _ports(rows: Sequence[survey.Row], available: int) -> Ports:
    """Of the source address that has most in use: a socket in any state, TIME_WAIT too, keeps its port."""
    source, used = Counter(row[survey.LOCAL] for row in rows).most_common(1)[0]
    waiting = sum(1 for row in rows if row[survey.LOCAL] == source and row[survey.STATE] == _sock_diag.TIME_WAIT)
    return Ports(_sock_diag.address(rows[0][survey.FAMILY], source), used, waiting, available)


def _idle(sock: socket.socket, rows: Sequence[survey.Row]) -> Idle:
    step = max(1, len(rows) // SAMPLE)
    found = [_sock_diag.lookup(sock, row[survey.FAMILY], _sockid(row)) for row in rows[::step][:SAMPLE]]
    times = [tcp.times for tcp in found if tcp is not None and tcp.times is not None]
    seconds = sorted(min(item.last_data_sent, item.last_data_recv) / 1000.0 for item in times)
    return Idle(seconds, sum(1 for item in times if item.last_data_sent < item.last_data_recv))


def _sockid(row: survey.Row) -> bytes:
    local, remote = (row[survey.LOCAL_PORT], row[survey.LOCAL]), (row[survey.REMOTE_PORT], row[survey.REMOTE])
    return _sock_diag.sockid(local, remote)
