# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half-closed spin of a prefork Celery worker, brought about and proven from /proc."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .celery_worker import CelerySite, celery_worker
from .kernel_scheduling import watch_conduct
from .kernel_sockets import Watch, half_closed_watches
from .processes import Program
from .waiting import wait_for


@dataclass(frozen=True)
class SpinningWorker:
    """A worker whose main process spins on ``watch``, a socket that Redis half-closed."""

    site: CelerySite
    worker: Program
    watch: Watch

    @property
    def pid(self) -> int:
        """The main process."""
        return self.worker.pid


def _spun_on(worker: Program) -> Watch | None:
    watches = half_closed_watches(worker.pid)
    return watches[0] if watches and watch_conduct(worker.pid, 1.0).spins else None


def wait_for_spin(worker: Program, seconds: float) -> Watch:
    """The registration that the worker spins on."""
    return wait_for(lambda: _spun_on(worker), seconds, "the main process to spin")


@contextmanager
def spinning_worker(site: CelerySite, *options: str) -> Iterator[SpinningWorker]:
    """One gated task runs, one is reserved, two wait; Redis has closed the idle broker connection."""
    with celery_worker(site, *options) as worker:
        site.queue("gated-1", "gated-2", "quick-3", "quick-4")
        watch = wait_for_spin(worker, 4 * site.redis.live_timeout() + 10)
        yield SpinningWorker(site, worker, watch)
