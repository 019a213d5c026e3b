# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Celery on a host: an application whose tasks last as long as the test wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import scenario_kit
from scenario_kit.kernel_scheduling import watch_conduct
from scenario_kit.kernel_sockets import Watch, close_wait_fds, half_closed_watches
from scenario_kit.task_ledger import TaskLedger
from scenario_kit.waiting import wait_for

from .base_tree import USER
from .host import Host

FOLDER = "/opt/shop"
_PARTS = ("__init__.py", "celery_tasks.py", "task_ledger.py")
COMMAND = "/usr/bin/python3 -m celery -A scenario_kit.celery_tasks worker --concurrency 1 --loglevel INFO"
_UNIT = f"""\
[Unit]
Description=Worker of the shop

[Service]
User={USER}
WorkingDirectory={FOLDER}
ExecStart={COMMAND}
"""


def environment(url: str) -> dict[str, str]:
    """What the application reads."""
    return {
        "CLOSEWAIT_BROKER_URL": url,
        "CLOSEWAIT_LEDGER": f"{FOLDER}/ledger",
        "CLOSEWAIT_GATES": f"{FOLDER}/gates",
    }


def install(host: Host) -> None:
    """Put the application there."""
    kit = Path(next(iter(scenario_kit.__path__)))
    for name in _PARTS:
        host.write(f"{FOLDER}/scenario_kit/{name}", (kit / name).read_text())
    host.run("chown", "-R", f"{USER}:", FOLDER)


@dataclass(frozen=True)
class Worker:
    """A worker of systemd's. ``url`` of its broker."""

    host: Host
    url: str
    queued: list[str] = field(default_factory=list)

    @property
    def ledger(self) -> TaskLedger:
        """What its tasks have written."""
        folder = self.host.root / FOLDER.lstrip("/")
        return TaskLedger(folder / "ledger", folder / "gates")

    def pid(self) -> int:
        """Of its main process, over there."""
        return int(self.host.run("systemctl", "show", "--property=MainPID", "--value", "shop"))

    def queue(self, *names: str) -> None:
        """Queue tasks in this order."""
        settings = [f"{name}={value}" for name, value in environment(self.url).items()]
        program = ["python3", "-m", "scenario_kit.celery_tasks", *names]
        self.host.run("env", f"--chdir={FOLDER}", *settings, *program)
        self.queued.extend(names)

    def release(self) -> None:
        """Open the gate of every queued task."""
        for name in self.queued:
            self.ledger.open_gate(name)

    def undone(self) -> set[str]:
        """Queued tasks that were never finished."""
        return set(self.queued) - set(self.ledger.count("done"))

    def half_closed(self) -> int:
        """How many connections it holds that Redis has closed."""
        return len(close_wait_fds(self.host.seen_from_here(self.pid())))

    def spins_on(self) -> Watch | None:
        """The half-closed connection that its loop spins on; None while it does not."""
        pid = self.host.seen_from_here(self.pid())
        watches = half_closed_watches(pid)
        return watches[0] if watches and watch_conduct(pid, 1.0).spins else None

    def log(self) -> str:
        """What it has printed."""
        return self.host.run("journalctl", "--unit=shop", "--output=cat", "--no-pager")


def workers(urls: dict[Host, str]) -> Iterator[Worker]:
    """A worker on each of these hosts, ready to take tasks; all start at once."""
    for host, url in urls.items():
        install(host)
        settings = "".join(f"Environment={name}={value}\n" for name, value in environment(url).items())
        host.write("/etc/systemd/system/shop.service", f"{_UNIT}{settings}")
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "start", "shop")
    for host, url in urls.items():
        worker = Worker(host, url)
        wait_for(lambda worker=worker: " ready." in worker.log(), 60, f"the worker on {host.name}")  # type: ignore[misc]
        yield worker
