# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that are the hosts: started together, ended together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from scenario_kit.waiting import wait_for

from .form import Form
from .host import Host

UP_WITHIN_S = 120.0
_ENDED_WITHIN_S = 10.0
_SSH_PORT = 22


@dataclass(frozen=True)
class Machine:
    """``process`` holds the host's namespaces; ``log`` has what it said."""

    name: str
    number: int
    root: Path
    log: Path
    process: subprocess.Popen[bytes]


@contextmanager
def machines(names: Sequence[str], place: Path, form: Form) -> Iterator[list[Host]]:
    """All hosts, up, as long as the block."""
    running: list[Machine] = []
    with ExitStack() as tidying:
        try:
            for number, name in enumerate(names, 1):
                tidying.callback(form.tidy, name)
                form.prepare(name, place / name / "root")
                running.append(_start(name, number, place / name, form))
            yield [_up(machine, form) for machine in running]
        finally:
            _end(running)


def _start(name: str, number: int, place: Path, form: Form) -> Machine:
    root, log = place / "root", place / "console.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            form.argv(name, root),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Machine(name, number, root, log, process)


def _up(machine: Machine, form: Form) -> Host:
    """The host, once it can be used."""

    def look() -> Host | None:
        if machine.process.poll() is not None:
            raise RuntimeError(f"{machine.name} has ended: {machine.log.read_text(errors='replace')[-2000:]}")
        host = Host(machine.name, machine.number, machine.root, first_process(machine.process.pid))
        return host if host.init and answers(host.address) and form.is_up(host) else None

    return wait_for(look, UP_WITHIN_S, f"{machine.name} to be up, see {machine.log}")


def first_process(holder: int) -> int:
    """The child that is process 1 of a PID namespace; 0 when there is none yet (proc_pid_status(5), NSpid)."""
    with suppress(OSError):
        for child in Path(f"/proc/{holder}/task/{holder}/children").read_text().split():
            status = Path(f"/proc/{child}/status").read_text()
            inner = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
            if len(inner) > 1 and inner[-1] == "1":
                return int(child)
    return 0


def answers(address: str) -> bool:
    """Whether an SSH server says who it is."""
    with suppress(OSError), socket.create_connection((address, _SSH_PORT), timeout=2) as connection:
        return connection.recv(4) == b"SSH-"
    return False


def _end(running: Sequence[Machine]) -> None:
    """The first process takes all others of its namespace with it; what held it ends then by itself."""
    for machine in running:
        if machine.process.poll() is None:
            _kill(first_process(machine.process.pid) or machine.process.pid)
    deadline = time.monotonic() + _ENDED_WITHIN_S
    for machine in running:
        try:
            machine.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            machine.process.kill()
            machine.process.wait()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
