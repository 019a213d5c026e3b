# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program has how many connections to which remote. Pure: fd tables and remotes in, counts out."""

from __future__ import annotations

from collections import Counter
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _holders
from ansible_collections.closewait.remediation.plugins.module_utils._connections.opened import Remote

#: Fewer connections than this are nobody's crowd.
CROWD = 20


class Held(NamedTuple):
    """Connections that one process has opened, per remote."""

    owner: _holders.Owner
    remotes: Dict[Remote, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.remotes.values())

    @property
    def median(self) -> int:
        """Connections per remote: half of its remotes have that many or fewer."""
        return median(list(self.remotes.values()))


class Crowd(NamedTuple):
    """Connections of the processes of one name to one remote; ``counts``: of each process that has any."""

    name: str
    remote: Remote
    counts: List[int]

    @property
    def total(self) -> int:
        """Of all these processes; what several hold counts for each."""
        return sum(self.counts)


def held(owners: Iterable[_holders.Owner], remote_of: Mapping[int, Remote]) -> List[Held]:
    """Processes with such connections; a connection that several hold counts for each of them."""
    found = []
    for owner in owners:
        # One connection may be open at several numbers.
        remotes = Counter(map(remote_of.get, set(owner.table.sockets.values())))
        remotes.pop(None, None)
        if remotes:
            found.append(Held(owner, {remote: number for remote, number in remotes.items() if remote is not None}))
    return found


def crowds(processes: Iterable[Held]) -> List[Crowd]:
    """The largest first; what is smaller than :data:`CROWD` is left out."""
    counts: Dict[Tuple[str, Remote], List[int]] = {}
    for process in processes:
        for remote, number in process.remotes.items():
            counts.setdefault((process.owner.name, remote), []).append(number)
    found = [Crowd(name, remote, numbers) for (name, remote), numbers in counts.items() if sum(numbers) >= CROWD]
    return sorted(found, key=lambda crowd: (-crowd.total, crowd.name, crowd.remote))


def members(processes: Iterable[Held], wanted: Iterable[Crowd], remote_of: Mapping[int, Remote]) -> Dict[int, Crowd]:
    """The crowd of each connection that is in one of these, by inode."""
    crowd_of = {(crowd.name, crowd.remote): crowd for crowd in wanted}
    names = {crowd.name for crowd in crowd_of.values()}
    return {
        inode: crowd_of[key]
        for process in processes
        if process.owner.name in names
        for inode in process.owner.table.sockets.values()
        for key in ((process.owner.name, remote_of.get(inode)),)
        if key in crowd_of
    }


def median(counts: Sequence[int]) -> int:
    """The lower one where there are two; 0 for none."""
    return sorted(counts)[(len(counts) - 1) // 2] if counts else 0
