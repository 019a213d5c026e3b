# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds how many connections to which remote. Pure: fd tables and the remotes of a survey in, counts out."""

from __future__ import annotations

from collections import Counter
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _holders
from ansible_collections.closewait.remediation.plugins.module_utils._connections.outgoing import Remote


class Held(NamedTuple):
    """Outgoing connections of one process, per remote."""

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


def held(owners: Iterable[_holders.Owner], remote_of: Mapping[int, Remote]) -> List[Held]:
    """Processes with outgoing connections; a connection that several hold counts for each of them."""
    found = []
    for owner in owners:
        # One connection may be open at several numbers.
        remotes = Counter(map(remote_of.get, set(owner.table.sockets.values())))
        remotes.pop(None, None)
        if remotes:
            found.append(Held(owner, {remote: count for remote, count in remotes.items() if remote is not None}))
    return found


def per_process(processes: Iterable[Held], wanted: Iterable[Remote]) -> Dict[Remote, List[int]]:
    """For each of these remotes, how many connections each process has to it, of those that have any."""
    found: Dict[Remote, List[int]] = {remote: [] for remote in wanted}
    for process in processes:
        for remote in found.keys() & process.remotes.keys():
            found[remote].append(process.remotes[remote])
    return found


def median(counts: Sequence[int]) -> int:
    """The lower one where there are two; 0 for none."""
    return sorted(counts)[(len(counts) - 1) // 2] if counts else 0
