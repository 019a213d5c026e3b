# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A half-closed victim and what happens to it: start it, have something done to it, ask it how long it was stopped."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from . import interpreters

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = 30
SHARED_OBJECTS = 30
PROGRAM = Path(__file__).parent / "programs" / "half_closed_victim.py"


@dataclass(frozen=True)
class Stops:
    """What the victim saw, in ms: all its stops together, and the longest."""

    total: float
    longest: float


class Victim:
    """The running program. ``targets`` are its half-closed fds as ``fd_close`` takes them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._about = json.loads(_required(process.stdout).readline())
        self.pid: int = self._about["pid"]
        self.targets = [self._target(*fd) for fd in self._about["fds"]]
        self.stops()

    @property
    def shape(self) -> str:
        """What it is made of, in words."""
        return f"{self._about['shared_objects']} shared objects and {self._about['threads']} threads"

    def stops(self) -> Stops:
        """Its stops since the last time."""
        control = _required(self._process.stdin)
        control.write("\n")
        control.flush()
        gaps = [(end - start) / 1e6 for start, end in json.loads(_required(self._process.stdout).readline())]
        return Stops(sum(gaps), max(gaps, default=0.0))

    def still_open(self) -> int:
        """How many of the targets it still has."""
        return sum(Path(f"/proc/{self.pid}/fd/{target['fd']}").is_symlink() for target in self.targets)

    def _target(self, fd: int, inode: int, cookie: str) -> dict[str, Any]:
        return {
            "pid": self.pid,
            "start_time": self._about["start_time"],
            "fd": fd,
            "inode": inode,
            "cookie": cookie,
        }


@contextmanager
def running(half_closed: int) -> Iterator[Victim]:
    """A fresh victim with that many half-closed fds; killed afterwards."""
    argv = [interpreters.victim(), str(PROGRAM), str(half_closed), str(THREADS), str(SHARED_OBJECTS)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Victim(process)
        finally:
            process.kill()


def _required(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise RuntimeError("the victim was started without pipes")
    return stream
