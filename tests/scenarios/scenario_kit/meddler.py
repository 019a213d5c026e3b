# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else who sends a signal to the tracer of a process, or to the process itself, while it is being traced."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_PATIENCE_S = 60.0
_POLL_S = 0.0002


def tracer_of(pid: int) -> int:
    """The process that traces it, 0 when none does or it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("TracerPid:"):
                return int(line.split()[1])
    return 0


@dataclass
class Meddler:
    """``pid`` is watched; ``delay`` seconds after a tracer is seen the signal goes to it, or to ``pid`` itself."""

    pid: int
    signal: int
    delay: float
    hits_tracer: bool
    done: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Until it has struck once, or the block has ended."""
        deadline = time.monotonic() + _PATIENCE_S
        while not self.ended.is_set() and time.monotonic() < deadline:
            tracer = tracer_of(self.pid)
            if tracer:
                time.sleep(self.delay)
                self._strike(tracer if self.hits_tracer else self.pid)
                return
            time.sleep(_POLL_S)

    def _strike(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, self.signal)
            self.done = True


@contextmanager
def _meddling(meddler: Meddler) -> Iterator[Meddler]:
    thread = threading.Thread(target=meddler.watch, daemon=True)
    thread.start()
    try:
        yield meddler
    finally:
        meddler.ended.set()
        thread.join(timeout=10)


@contextmanager
def tracer_gets(signal: int, pid: int, delay: float) -> Iterator[Meddler]:
    """For the length of the block the first tracer of ``pid`` gets the signal, ``delay`` seconds after it is seen."""
    with _meddling(Meddler(pid, signal, delay, hits_tracer=True)) as meddler:
        yield meddler


@contextmanager
def traced_gets(signal: int, pid: int, delay: float) -> Iterator[Meddler]:
    """The same for the traced process itself."""
    with _meddling(Meddler(pid, signal, delay, hits_tracer=False)) as meddler:
        yield meddler
