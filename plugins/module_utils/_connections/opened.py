# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the connections of a network namespace were opened from it, and where they lead. Pure.

What comes in is left out: there the remote port is the client's, and means nothing.
"""

from __future__ import annotations

from collections import Counter
from itertools import repeat
from operator import itemgetter
from typing import Dict, Iterable, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _sock_diag
from ansible_collections.closewait.remediation.plugins.module_utils._connections import survey

#: Network namespace, family, remote address and port in network order.
Remote = Tuple[int, int, bytes, bytes]

#: Family, remote address and port, local address, state.
Towards = Tuple[int, bytes, bytes, bytes, int]

_towards = itemgetter(survey.FAMILY, survey.REMOTE, survey.REMOTE_PORT, survey.LOCAL, survey.STATE)


class Opened(NamedTuple):
    """``remote_of``: by inode, of every established connection that was opened here.

    ``towards``: how many sockets of any state have these family, remote address and port, local address, and state.
    """

    remote_of: Dict[int, Remote]
    total: int
    incoming: int
    towards: Mapping[Towards, int]


def count(netns: int, rows: Sequence[survey.Row], listening: Iterable[bytes]) -> Opened:
    """``listening``: local ports, in network order, that take connections."""
    ours = frozenset(listening)
    outward = [row for row in rows if row[survey.LOCAL_PORT] not in ours]
    opened = [row for row in outward if row[survey.STATE] == _sock_diag.ESTABLISHED]
    established = Counter(map(itemgetter(survey.STATE), rows))[_sock_diag.ESTABLISHED]
    fields = (map(itemgetter(field), opened) for field in (survey.FAMILY, survey.REMOTE, survey.REMOTE_PORT))
    remote_of: Dict[int, Remote] = dict(zip(map(itemgetter(survey.INODE), opened), zip(repeat(netns), *fields)))
    remote_of.pop(0, None)
    return Opened(remote_of, len(opened), established - len(opened), Counter(map(_towards, outward)))


def together(parts: Sequence[Opened]) -> Dict[int, Remote]:
    """``remote_of`` of all namespaces: an inode is one of the whole host."""
    if len(parts) == 1:
        return parts[0].remote_of
    return {inode: remote for part in parts for inode, remote in part.remote_of.items()}
