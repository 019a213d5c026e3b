# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts for the README's inventory, and the incident on one of them: no process of this machine is seen or touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scenario_kit.processes import Program, started
from scenario_kit.waiting import wait_for

REPOSITORY = Path(__file__).resolve().parents[2]
_LONGEST_S = 600
#: Thresholds for tests of other things than the rule: on a machine that is busy the client may get hardly any CPU.
HOWEVER_LITTLE_CPU = {"spin_cpu_percent": 0, "spin_cpu_seconds": 0, "spin_system_share": 0}
_CLOSE_WAIT = "08"


@dataclass(frozen=True)
class Host:
    """Process ids, a network and a /proc of its own; ``python`` is an interpreter that runs in there."""

    name: str
    init: int
    python: Path

    def half_closed(self) -> bool:
        """Whether a socket in it is in CLOSE_WAIT (proc(5), /proc/net/tcp)."""
        table = Path(f"/proc/{self.init}/net/tcp").read_text().splitlines()[1:]
        return any(line.split()[3] == _CLOSE_WAIT for line in table)


@contextmanager
def host(name: str, directory: Path) -> Iterator[Host]:
    """One host that lives as long as the block; ``directory`` takes its files."""
    unshare = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "--"]
    idle = [sys.executable, "-m", "scenario_kit.init_process", "sleep", str(_LONGEST_S)]
    with started([*unshare, *idle], directory / f"{name}.log") as outside:
        init = wait_for(lambda: children(outside.pid), 10, f"the first process of {name}")[0]
        # It has brought the loopback up when it has started what it waits for.
        wait_for(lambda: children(init), 10, f"{name} to be up")
        python = directory / f"python-{name}"
        python.write_text(f'#!/bin/sh\nexec nsenter --target {init} --net --pid --mount -- {sys.executable} "$@"\n')
        python.chmod(0o755)
        yield Host(name, init, python)


def children(pid: int) -> list[int]:
    """Children of a process that has one thread (proc_tid_children(5))."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def _running_in(where: Host, log: Path, *argv: str | Path) -> Iterator[Program]:
    """A Python program in there.

    It ends before the ``nsenter`` that started it and has to collect its exit status: a process that nobody collects
    keeps its namespace from ending.
    """
    with started([str(where.python), *map(str, argv)], log) as entered:
        try:
            yield entered
        finally:
            for child in children(entered.pid):
                os.kill(child, signal.SIGKILL)
            entered.process.wait(timeout=10)


@contextmanager
def spinning_client(where: Host, directory: Path) -> Iterator[int]:
    """The demo's server and client in there; the pid, in there, of the client, which spins."""
    files = REPOSITORY / "playbooks" / "files"
    server, client = directory / "server.json", directory / "client.json"
    seconds = str(_LONGEST_S)
    with _running_in(where, directory / "server.log", files / "demo_server.py", server, seconds):
        port = str(wait_for(lambda: _state(server), 10, "the server")["port"])
        with _running_in(where, directory / "client.log", files / "demo_client.py", client, seconds, port):
            pid = wait_for(lambda: _state(client), 10, "the client")["pid"]
            wait_for(where.half_closed, 10, "the server to close")
            yield pid


def _state(path: Path) -> dict[str, int] | None:
    try:
        state: dict[str, int] = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError):
        return None
    return state


def copy_of_the_tree(target: Path) -> Path:
    """A fresh copy of the checkout as it is, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout
    names = [name for name in listed.decode().split("\0") if name and (REPOSITORY / name).exists()]
    target.mkdir()
    archive = subprocess.run(["tar", "-c", "--", *names], cwd=REPOSITORY, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=target, input=archive, check=True)
    for argv in (["git", "init", "--quiet"], ["git", "add", "."]):
        subprocess.run(argv, cwd=target, check=True)
    return target
