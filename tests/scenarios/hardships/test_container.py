# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program in a container, met with from the host: other PIDs, sockets, users and files than here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scenario_kit import living
from scenario_kit.container import Container, container
from scenario_kit.direct_module import check_module, own_journal, run_module
from scenario_kit.hardship import PORT
from scenario_kit.kernel_scheduling import process_state, start_time, watch_conduct
from scenario_kit.kernel_sockets import socket_inodes, watches
from scenario_kit.meddler import tracer_of
from scenario_kit.spinner import PROGRAMS
from scenario_kit.waiting import wait_for

_PROGRAM = PROGRAMS / "selectors_loop.py"


@dataclass(frozen=True)
class Inmate:
    """A program inside; ``pid`` is the host's number for it."""

    pid: int
    lines: subprocess.Popen[str]

    def ask(self, line: str) -> str:
        """What comes of one line to the one who stands beside it."""
        to, answers = self.lines.stdin, self.lines.stdout
        assert to is not None
        assert answers is not None
        to.write(line + "\n")
        to.flush()
        return answers.readline().strip()

    def dead_fds(self) -> list[int]:
        """Its fds in CLOSE_WAIT, by the table of its own network namespace."""
        rows = [line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        dead = {int(row[9]) for row in rows if row[3] == "08"}
        return [fd for fd, inode in socket_inodes(self.pid).items() if inode in dead]

    def target(self) -> dict[str, Any]:
        (fd,) = self.dead_fds()
        inode = socket_inodes(self.pid)[fd]
        return {"pid": self.pid, "start_time": start_time(self.pid), "fd": fd, "inode": inode}


def _pid_of_program() -> int | None:
    return next((pid for pid in living.pids() if living.words(pid)[1:2] == [str(_PROGRAM)]), None)


@contextmanager
def inmate(box: Container) -> Iterator[Inmate]:
    program = [os.environ["CLOSEWAIT_SERVICE_PYTHON"], str(_PROGRAM)]
    command = box.command([sys.executable, "-m", "scenario_kit.inside", str(PORT), *program])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lines:
        pid = wait_for(_pid_of_program, 20, "the program inside")
        found = Inmate(pid, lines)
        wait_for(lambda: found.ask("echo ready") == "echoed ready", 20, "the program to serve")
        yield found


@pytest.fixture
def prisoner(tmp_path: Path) -> Iterator[Inmate]:
    with container(tmp_path / "container") as box:
        assert box.is_apart()
        with inmate(box) as program:
            yield program


def test_it_is_closed_from_the_host(prisoner: Inmate, tmp_path: Path) -> None:
    pid, born = prisoner.pid, start_time(prisoner.pid)
    assert os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
    assert prisoner.ask("use first") == "used answer first"
    prisoner.ask("half-close")
    wait_for(prisoner.dead_fds, 10, "a connection in CLOSE_WAIT")
    wait_for(lambda: watch_conduct(pid, 0.5).spins, 20, "the program to spin")
    facts = run_module("cpu_facts", {"pids": [pid], "window": 1}, tmp_path / "scratch")["ansible_facts"]
    (runtime,) = [row["runtime"] for row in facts["closewait"]["cpu"]["processes"] if row["pid"] == pid]
    assert runtime["name"] == "cpython"
    target = prisoner.target()
    arguments = {"targets": [target], "min_age": 0, **own_journal(tmp_path)}
    assert check_module("fd_close", arguments, tmp_path / "scratch")["results"][0]["outcome"] == "would_replace"
    (row,) = run_module("fd_close", arguments, tmp_path / "scratch")["results"]
    assert row["outcome"] == "replaced", row
    assert socket_inodes(pid)[target["fd"]] != target["inode"]
    assert target["inode"] not in [watch.inode for watch in watches(pid)]
    wait_for(lambda: not watch_conduct(pid, 0.5).spins, 10, "the program to sleep")
    assert prisoner.ask("echo second") == "echoed second"
    assert prisoner.ask("use third") == "failed EPIPE"
    assert prisoner.ask("use fourth") == "used answer fourth"
    assert (start_time(pid), tracer_of(pid)) == (born, 0)
    assert process_state(pid) in {"R", "S"}


def test_a_pid_of_the_container_means_nothing_on_the_host(prisoner: Inmate, tmp_path: Path) -> None:
    """Whoever copies the number from inside the container names another process, or none."""
    assert prisoner.ask("use first") == "used answer first"  # so the upstream has accepted it, and can close
    prisoner.ask("half-close")
    wait_for(prisoner.dead_fds, 10, "a connection in CLOSE_WAIT")
    status = Path(f"/proc/{prisoner.pid}/status").read_text()
    (inner,) = (int(line.split()[-1]) for line in status.splitlines() if line.startswith("NSpid:"))
    assert inner != prisoner.pid
    target = {**prisoner.target(), "pid": inner}
    arguments = {"targets": [target], "min_age": 0, **own_journal(tmp_path)}
    (row,) = run_module("fd_close", arguments, tmp_path / "scratch")["results"]
    assert row["outcome"] in {"gone", "changed"}, row
    assert prisoner.dead_fds()
    assert prisoner.ask("echo still") == "echoed still"
