# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Celery worker on a scenario's broker, and the tasks queued for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .processes import Program, started
from .redis_server import RedisServer
from .task_ledger import TaskLedger
from .waiting import wait_for


@dataclass(frozen=True)
class CelerySite:
    """One broker, one ledger, and how to run Celery programs on them."""

    redis: RedisServer
    directory: Path
    acks_late: bool = False
    queued: list[str] = field(default_factory=list)

    @property
    def ledger(self) -> TaskLedger:
        """Where the tasks write what they did."""
        return TaskLedger(self.directory / "ledger", self.directory / "gates")

    @property
    def python(self) -> str:
        """The interpreter of the service's environment."""
        return os.environ.get("CLOSEWAIT_SERVICE_PYTHON", sys.executable)

    def environment(self) -> dict[str, str]:
        """What the application reads."""
        return {
            "CLOSEWAIT_BROKER_URL": self.redis.url,
            "CLOSEWAIT_LEDGER": str(self.ledger.path),
            "CLOSEWAIT_GATES": str(self.ledger.gates),
            "CLOSEWAIT_ACKS_LATE": "1" if self.acks_late else "0",
        }

    def worker_command(self, *options: str) -> list[str]:
        """The argv of a worker with one process or greenlet."""
        application = ["-A", "scenario_kit.celery_tasks", "worker", "--concurrency", "1"]
        return [self.python, "-m", "celery", *application, "--loglevel", "INFO", *options]

    def queue(self, *names: str) -> None:
        """Queue tasks in this order."""
        argv = [self.python, "-m", "scenario_kit.celery_tasks", *names]
        subprocess.run(argv, env={**os.environ, **self.environment()}, timeout=30, check=True)
        self.queued.extend(names)

    def release(self) -> None:
        """Open the gate of every queued task."""
        for name in self.queued:
            self.ledger.open_gate(name)

    def undone(self) -> set[str]:
        """Queued tasks that were never finished."""
        return set(self.queued) - set(self.ledger.count("done"))

    def queue_length(self) -> int:
        """Messages that no worker has taken."""
        return int(self.redis.command("LLEN", "celery")[0])

    def unacknowledged(self) -> int:
        """Messages that a worker has taken and not acknowledged."""
        return int(self.redis.command("HLEN", "unacked")[0])

    def waiting_tasks(self) -> int:
        """Messages that are not done with."""
        return self.queue_length() + self.unacknowledged()

    def wait_until_done(self, seconds: float) -> None:
        """Wait until each queued task was finished at least once."""
        try:
            wait_for(lambda: not self.undone(), seconds, "the tasks to be done")
        except TimeoutError as exc:
            left = (
                f"undone {sorted(self.undone())}, queued {self.queue_length()}, unacknowledged {self.unacknowledged()}"
            )
            raise AssertionError(f"{exc}: {left}") from exc


@contextmanager
def celery_worker(site: CelerySite, *options: str) -> Iterator[Program]:
    """A worker that is ready to take tasks."""
    with started(site.worker_command(*options), site.directory / "worker.log", site.environment()) as worker:
        wait_for(lambda: " ready." in worker.tail() or not worker.running(), 30, "the Celery worker to be ready")
        assert worker.running(), f"the worker ended:\n{worker.tail()}"
        yield worker
