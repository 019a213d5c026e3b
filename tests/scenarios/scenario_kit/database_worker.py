# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A supervised Celery worker (prefork) whose tasks query a MariaDB, and how it handles its sessions."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .kernel_sockets import close_wait_fds, socket_inodes, tcp_states
from .mariadb_server import MariadbServer
from .processes import started
from .redis_server import RedisServer
from .supervised import Supervised, supervised
from .task_ledger import TaskLedger
from .waiting import wait_for


@dataclass(frozen=True)
class Handling:
    """``session``: "held" or "closed"; ``engine``: arguments of ``create_engine``."""

    session: str
    engine: Mapping[str, object] = field(default_factory=dict)


HELD = Handling("held")


@dataclass(frozen=True)
class DatabaseWorker:
    """A running worker with one pool process, which is the one that talks to the database."""

    redis: RedisServer
    database: MariadbServer
    directory: Path
    handling: Handling
    supervisor: Supervised

    @property
    def ledger(self) -> TaskLedger:
        """Where its tasks write what they did."""
        return TaskLedger(self.directory / "ledger", self.directory / "gates")

    def pool_process(self) -> int:
        """The child that runs the tasks."""
        main = self.supervisor.pid()
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return int(children[-1])

    def queue(self, *names: str) -> None:
        """Queue tasks in this order."""
        argv, variables = [*self._application(), *names], {**os.environ, **self.environment()}
        subprocess.run(argv, env=variables, timeout=240, check=True)

    @contextmanager
    def steady_work(self) -> Iterator[None]:
        """Tasks come one after the other for the length of the block, some have been done when it begins."""
        command, log = [*self._application(), "--steadily"], self.directory / "steady.log"
        with started(command, log, self.environment()):
            wait_for(lambda: self.outcomes("steady-3"), 240, "steady work")
            yield

    def outcomes(self, name: str) -> list[str]:
        """What became of a task: nothing yet, "done" or the name of the exception."""
        return [outcome for outcome, task in self._written() if task == name]

    def failures(self) -> set[str]:
        """Whatever tasks ended with besides success."""
        return {outcome for outcome, _task in self._written()} - {"done"}

    def canary(self, name: str) -> list[str]:
        """A command that succeeds when a task gets its answer from the database."""
        settings = [f"{key}={value}" for key, value in {"PYTHONPATH": _path(), **self.environment()}.items()]
        return ["env", *settings, *self._application(), "--canary", name]

    def wait_for_outcome(self, name: str, seconds: float = 120) -> str:
        """What became of a task: "done" or the name of the exception."""
        return wait_for(lambda: self.outcomes(name), seconds, f"the task {name} to end")[0]

    def environment(self) -> dict[str, str]:
        """What the application reads."""
        return environment(self.redis, self.database, self.directory, self.handling)

    def unlisted_fds(self) -> list[int]:
        """Sockets of the pool process that are in no table of TCP, and are of TCP."""
        pid, states = self.pool_process(), tcp_states()
        return [fd for fd, inode in socket_inodes(pid).items() if inode not in states and _is_tcp(pid, fd)]

    def wait_for_half_closed(self) -> list[int]:
        """Sockets of the pool process whose other end has said goodbye."""
        return wait_for(lambda: close_wait_fds(self.pool_process()), 60, "the killed session to be half-closed")

    def _written(self) -> list[tuple[str, str]]:
        lines = self.ledger.path.read_text().splitlines() if self.ledger.path.exists() else []
        return [(outcome, task) for outcome, _blank, task in (line.partition(" ") for line in lines)]

    def _application(self) -> list[str]:
        return [_python(), "-m", "scenario_kit.database_tasks"]


def environment(redis: RedisServer, database: MariadbServer, directory: Path, handling: Handling) -> dict[str, str]:
    """The application's variables."""
    return {
        "CLOSEWAIT_BROKER_URL": redis.url,
        "CLOSEWAIT_DATABASE_URL": database.url,
        "CLOSEWAIT_SESSION": handling.session,
        "CLOSEWAIT_ENGINE": json.dumps(handling.engine),
        "CLOSEWAIT_LEDGER": str(directory / "ledger"),
        "CLOSEWAIT_GATES": str(directory / "gates"),
    }


@contextmanager
def database_worker(
    redis: RedisServer, database: MariadbServer, directory: Path, handling: Handling
) -> Iterator[DatabaseWorker]:
    """A worker that is ready; its first task, ``first``, has got its answer."""
    redis.command("FLUSHALL")
    application = ["-A", "scenario_kit.database_tasks", "worker", "--concurrency", "1", "--loglevel", "INFO"]
    command = [_python(), "-m", "celery", *application]
    variables = environment(redis, database, directory, handling)
    with supervised(directory / "supervisor", command, variables) as supervisor:
        worker = DatabaseWorker(redis, database, directory, handling, supervisor)
        wait_for(lambda: " ready." in supervisor.output(), 240, f"the worker to be ready: {shlex.join(command)}")
        worker.queue("first")
        assert worker.wait_for_outcome("first") == "done", supervisor.output()
        yield worker


def _is_tcp(pid: int, fd: int) -> bool:
    return os.getxattr(f"/proc/{pid}/fd/{fd}", "system.sockprotoname").startswith(b"TCP")


def _python() -> str:
    return os.environ.get("CLOSEWAIT_SERVICE_PYTHON", sys.executable)


def _path() -> str:
    return os.environ.get("PYTHONPATH", "")
