# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Celery worker under a supervisord whose ``stopwaitsecs`` is shorter than the tasks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .celery_worker import CelerySite
from .redis_server import RedisServer
from .supervised import Supervised, supervised
from .waiting import wait_for

OLD_STOPWAITSECS = 2
TOO_SHORT = (f"stopwaitsecs={OLD_STOPWAITSECS} ; too short", "killasgroup=true")
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

    def supervisorctl(self, *words: str) -> str:
        """What supervisord's own client answers."""
        argv = [str(self.supervisor.tools / "supervisorctl"), "-c", str(self.configuration), *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stdout


@contextmanager
def busy_worker(
    redis: RedisServer, directory: Path, settings: Sequence[str] = TOO_SHORT, tasks: Sequence[str] = TASKS
) -> Iterator[BusyWorker]:
    """The worker in the middle of its first task. ``settings``: lines for its section."""
    site = CelerySite(redis, directory)
    with supervised(directory / "site", site.worker_command(), site.environment(), *settings) as supervisor:
        site.queue(*tasks)
        wait_for(lambda: site.ledger.count("started"), 40, "the first task to start")
        yield BusyWorker(site, supervisor)
