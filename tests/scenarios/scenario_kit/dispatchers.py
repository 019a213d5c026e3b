# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dispatchers: processes full of greenlets that keep connections to many backends (see ``dispatchers_program``)."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .backend_farm import Farm
from .connection_counts import outgoing
from .processes import Program, started
from .waiting import wait_for

_PROGRAM = Path(__file__).with_name("dispatchers_program.py")
_FIRST_ROUND_S = 240


@dataclass(frozen=True)
class Crew:
    """How many, of what, and how they pool: see the program."""

    name: str
    pool: str
    processes: int = 4
    greenlets: int = 31


@dataclass(frozen=True)
class Dispatchers:
    """A running crew."""

    crew: Crew
    program: Program
    farm: Farm

    def pids(self) -> list[int]:
        """Its processes, without the one that started them."""
        children = Path(f"/proc/{self.program.pid}/task/{self.program.pid}/children").read_text().split()
        return sorted(map(int, children))

    def connections(self) -> dict[int, Counter[str]]:
        """Established connections to each backend, per process, as /proc shows them."""
        return {pid: outgoing(pid, self.farm.port) for pid in self.pids()}

    def end(self) -> None:
        """No more of them."""
        for pid in (self.program.pid, *self.pids()):
            os.kill(pid, signal.SIGKILL)
        self.program.process.wait()

    def errors(self) -> list[str]:
        """What went wrong in them."""
        return [line for line in self.program.log.read_text().splitlines() if not line.startswith("ready")]


@contextmanager
def dispatchers(folder: Path, crew: Crew, farm: Farm) -> Iterator[Dispatchers]:
    """They have been at every backend, and go on asking a few of them."""
    numbers = [str(crew.processes), str(crew.greenlets), str(farm.port)]
    python = os.environ["CLOSEWAIT_SERVICE_PYTHON"]
    argv: list[str | Path] = [python, _PROGRAM, crew.name, crew.pool, *numbers, *farm.addresses]
    # A log of its own: what an earlier crew has said there would be taken for this one.
    log = folder / f"{crew.name}-{crew.pool}.log"
    assert not log.exists(), log
    with started(argv, log) as program:
        wait_for(
            lambda: program.log.read_text().count("ready") == crew.processes or not program.running(),
            _FIRST_ROUND_S,
            f"{crew.name} to have been at every backend",
            every=0.5,
        )
        assert program.running(), program.tail()
        yield Dispatchers(crew, program, farm)
