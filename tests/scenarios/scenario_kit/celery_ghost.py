# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ghost registration of a prefork Celery worker, brought about and proven from /proc.

With ``--max-tasks-per-child`` the parent forks while it spins on the half-closed socket. It then reconnects, and the
new socket gets the old number, but the old registration cannot go while the child holds the old socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .celery_spin import spinning_worker
from .celery_worker import CelerySite
from .kernel_scheduling import watch_conduct
from .kernel_sockets import Watch, ghost_watches, holders, socket_inodes
from .processes import Program
from .waiting import wait_for

#: Minutes instead of seconds until the next socket dies, as with the timeouts of real servers.
_LATER_TIMEOUT_S = 120


@dataclass(frozen=True)
class HauntedWorker:
    """A worker that spins on ``ghost``; ``holder`` is the child with the dead socket, ``broker`` the inode in use."""

    site: CelerySite
    worker: Program
    ghost: Watch
    holder: int
    broker: int

    @property
    def pid(self) -> int:
        """The main process."""
        return self.worker.pid


def _ghost_of(worker: Program) -> Watch | None:
    ghosts = ghost_watches(worker.pid)
    return ghosts[0] if ghosts and watch_conduct(worker.pid).spins else None


@contextmanager
def haunted_worker(site: CelerySite) -> Iterator[HauntedWorker]:
    """One gated task runs, one task is reserved, and the parent spins on a socket that only its child has."""
    with spinning_worker(site, "--max-tasks-per-child", "1") as incident:
        site.redis.set_timeout(_LATER_TIMEOUT_S)
        site.ledger.open_gate("gated-1")
        ghost = wait_for(lambda: _ghost_of(incident.worker), 20, "the ghost registration")
        (holder,) = holders(ghost.inode)
        broker = socket_inodes(incident.pid)[ghost.number]
        yield HauntedWorker(site, incident.worker, ghost, holder, broker)
