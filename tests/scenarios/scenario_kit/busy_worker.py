# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Celery worker under a supervisord whose ``stopwaitsecs`` is shorter than the tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .celery_worker import CelerySite
from .redis_server import RedisServer
from .supervised import Supervised, supervised
from .waiting import wait_for

OLD_STOPWAITSECS = 2
TASKS = ("gated-1", "gated-2", "gated-3", "gated-4", "gated-5", "gated-6")


@dataclass(frozen=True)
class BusyWorker:
    """The worker works on one task, and holds or waits for the others; no task ends before its gate opens."""

    site: CelerySite
    supervisor: Supervised

    @property
    def configuration(self) -> Path:
        """The file that the settings stand in."""
        return self.supervisor.directory / "supervisord.conf"


@contextmanager
def busy_worker(redis: RedisServer, directory: Path) -> Iterator[BusyWorker]:
    """The worker in the middle of its first task."""
    site = CelerySite(redis, directory)
    settings = [f"stopwaitsecs={OLD_STOPWAITSECS} ; too short", "killasgroup=true"]
    with supervised(directory / "site", site.worker_command(), site.environment(), *settings) as supervisor:
        site.queue(*TASKS)
        wait_for(lambda: site.ledger.count("started"), 40, "the first task to start")
        yield BusyWorker(site, supervisor)
