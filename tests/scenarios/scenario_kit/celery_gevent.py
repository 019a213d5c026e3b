# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The spin of a Celery worker with the gevent pool: its loop polls with select, so no epoll set shows the socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .celery_worker import CelerySite
from .kernel_scheduling import watch_conduct
from .kernel_sockets import close_wait_fds, half_closed_watches
from .supervised import Supervised, supervised
from .waiting import wait_for


@dataclass(frozen=True)
class GreenSpin:
    """A supervised worker that spins, one gated task running and one reserved."""

    site: CelerySite
    supervisor: Supervised
    pid: int


def _spins(pid: int) -> bool:
    return bool(close_wait_fds(pid)) and not half_closed_watches(pid) and watch_conduct(pid).spins


@contextmanager
def green_worker(site: CelerySite) -> Iterator[Supervised]:
    """The worker, ready to take tasks."""
    command = site.worker_command("--pool", "gevent")
    with supervised(site.directory / "supervisor", command, site.environment(), "stopwaitsecs=600") as supervisor:
        wait_for(lambda: " ready." in supervisor.output(), 30, "the Celery worker to be ready")
        yield supervisor


@contextmanager
def green_spin(site: CelerySite) -> Iterator[GreenSpin]:
    """The incident, proven from /proc: it never sleeps, and nothing half-closed is in an epoll set."""
    with green_worker(site) as supervisor:
        pid = supervisor.pid()
        site.queue("gated-1", "gated-2", "quick-3", "quick-4")
        wait_for(lambda: _spins(pid), 4 * site.redis.live_timeout() + 10, "the gevent worker to spin")
        yield GreenSpin(site, supervisor, pid)
