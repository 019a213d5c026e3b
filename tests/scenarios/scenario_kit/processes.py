# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of a scenario: each in a session of its own, its output in a file, stopped with everything it started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

STOP_WAIT_S = 20.0


@dataclass(frozen=True)
class Program:
    """A started program. ``pid`` is also its process group and its session."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The process id of the program itself."""
        return self.process.pid

    def running(self) -> bool:
        """Whether the program itself still runs."""
        return self.process.poll() is None

    def tail(self, characters: int = 4000) -> str:
        """The end of its output, for messages."""
        return self.log.read_text(errors="replace")[-characters:]


def _members(session: int) -> list[int]:
    """Every living process of a session (field 6 of proc_pid_stat(5)), whatever process group it has moved to."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split() if entry.name.isdigit() else []
            if fields and int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def _stop(program: Program) -> None:
    # Cleaning up, not healing: all of it goes at once, so that nothing of it meets the next test. supervisord puts each
    # program into a process group of its own, so the session is what holds them together.
    deadline = time.monotonic() + STOP_WAIT_S
    while members := _members(program.pid):
        if time.monotonic() > deadline:
            raise TimeoutError(f"these processes do not die of SIGKILL: {members}")
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    program.process.wait(timeout=STOP_WAIT_S)


@contextmanager
def started(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Run ``command`` for the length of the block; ``environment`` is added to the present one."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    program = Program(process, log)
    try:
        yield program
    finally:
        _stop(program)
