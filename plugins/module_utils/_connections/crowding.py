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
#: Connections of one crowd that are looked at more closely.
SAMPLE = 20


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
        remotes = Counter(filter(None, map(remote_of.get, set(owner.table.sockets.values()))))
        if remotes:
            found.append(Held(owner, remotes))
    return found


def crowds(processes: Iterable[Held]) -> List[Crowd]:
    """The largest first; what is smaller than :data:`CROWD` is left out."""
    counts: Dict[Tuple[str, Remote], List[int]] = {}
    for process in processes:
        for remote, number in process.remotes.items():
            counts.setdefault((process.owner.name, remote), []).append(number)
    found = [Crowd(name, remote, numbers) for (name, remote), numbers in counts.items() if sum(numbers) >= CROWD]
    return sorted(found, key=lambda crowd: (-crowd.total, crowd.name, crowd.remote))


def samples(processes: Iterable[Held], wanted: Iterable[Crowd], remote_of: Mapping[int, Remote]) -> Dict[int, Crowd]:
    """Some connections of each of these crowds, by inode: as many of each process, :data:`SAMPLE` or a little more."""
    crowd_of = {(crowd.name, crowd.remote): crowd for crowd in wanted}
    found: Dict[int, Crowd] = {}
    for process in processes:
        ours = {
            remote: -(-SAMPLE // len(crowd.counts))
            for (name, remote), crowd in crowd_of.items()
            if name == process.owner.name and remote in process.remotes
        }
        for inode in process.owner.table.sockets.values() if ours else ():
            remote = remote_of.get(inode)
            if remote is not None and ours.get(remote, 0) > 0:
                ours[remote] -= 1
                found[inode] = crowd_of[process.owner.name, remote]
    return found


def median(counts: Sequence[int]) -> int:
    """The lower one where there are two; 0 for none."""
    return sorted(counts)[(len(counts) - 1) // 2] if counts else 0
