# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The victims of one epoch: started, waited for, ended, their exit statuses and diaries kept."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from . import diaries
from .victim import diary, work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PYTHON_KINDS = ("loop", "timers", "threads", "forker", "brood", "passer", "execer")
NATIVE_KINDS = {"native_timers": "timers", "native_exec": "exec"}
KINDS = (*PYTHON_KINDS, *NATIVE_KINDS)
PORT = 17500
OPEN_FILES = 512
MEMORY = 1 << 31
#: Victims work as fast as they can; what looks at them must get its turn.
NICE = 5
LONGEST_START_S = 60
LONGEST_END_S = 120
BAITS_TO_START = 5


@dataclass
class Member:
    """A running victim. ``log``: its diary, and that of the processes it starts."""

    kind: str
    process: subprocess.Popen[bytes]
    log: Path

    def ready(self) -> bool:
        """Whether it has baits."""
        events = diaries.read(self.log)
        return sum(event.name == diary.BAIT for event in events) >= BAITS_TO_START


class Stage:
    """Starts victims in ``folder``. ``native``: the compiled program. ``restless``: no bait lasts (Python victims)."""

    def __init__(self, folder: Path, native: Path, *, restless: bool) -> None:
        self._folder = folder
        self._environment = {**os.environ, **({work.RESTLESS: "1"} if restless else {})}
        self._native = native
        self._count = 0

    @contextlib.contextmanager
    def peer(self) -> Iterator[int]:
        """The server; its pid."""
        argv = [sys.executable, "-m", "chaos.peer", str(PORT)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            try:
                if process.stdout is None or not process.stdout.readline():
                    raise RuntimeError("the peer of the victims does not start")
                yield process.pid
            finally:
                process.kill()

    def start(self, kinds: Sequence[str], seed: int) -> list[Member]:
        """Victims that all have baits. Raises TimeoutError."""
        members = [self._start_one(kind, seed + number) for number, kind in enumerate(kinds)]
        deadline = time.monotonic() + LONGEST_START_S
        while not all(member.ready() for member in members):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the victims {', '.join(kinds)} did not begin to work")
            time.sleep(0.02)
        return members

    def _start_one(self, kind: str, seed: int) -> Member:
        self._count += 1
        log = self._folder / f"{self._count}-{kind}"
        log.touch(0o600)
        words = [str(PORT), str(log), str(seed & 0x7FFFFFFF)]
        argv = [sys.executable, "-S", "-m", "chaos.victim", kind, *words]
        if kind in NATIVE_KINDS:
            argv = [str(self._native), NATIVE_KINDS[kind], *words]
        environment = self._environment
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, env=environment, preexec_fn=_bounds)  # noqa: PLW1509
        return Member(kind, process, log)


def _bounds() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(NICE)


def end(members: Sequence[Member]) -> Iterator[str]:
    """Tell all to stop; yield a line for each one that did not end well."""
    for member in members:
        _close(member.process.stdin)
    deadline = time.monotonic() + LONGEST_END_S
    for member in members:
        try:
            status = member.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            yield f"{member.kind} {member.process.pid} does not answer any more"
            member.process.send_signal(signal.SIGKILL)
            member.process.wait()
            continue
        if status:
            yield f"{member.kind} {member.process.pid} died: exit status {status}"


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.close()
