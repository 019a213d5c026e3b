# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process watched without pause, so that the moment of its healing and every relapse are known."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .kernel_scheduling import Conduct, process_state, watch_conduct

_WINDOW_S = 0.5


@dataclass
class ConductLog:
    """Conduct over consecutive windows of half a second; times are of time.monotonic() at the end of a window."""

    pid: int
    windows: list[tuple[float, Conduct]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def spins_since(self, moment: float) -> list[Conduct]:
        """Windows that began after ``moment`` and in which the process never slept."""
        return [conduct for end, conduct in self.windows if end - conduct.seconds >= moment and conduct.spins]

    def last_spin(self) -> float | None:
        """End of the last window in which it spun, None when it never did.

        On a busy machine a single window can look calm while the process still spins.
        """
        return next((end for end, conduct in reversed(self.windows) if conduct.spins), None)

    def _watch(self) -> None:
        while not self.ended.is_set() and process_state(self.pid) not in (None, "Z"):
            conduct = watch_conduct(self.pid, _WINDOW_S, samples=2)
            self.windows.append((time.monotonic(), conduct))


@contextmanager
def conduct_log(pid: int) -> Iterator[ConductLog]:
    """Watch a process for the length of the block."""
    log = ConductLog(pid)
    thread = threading.Thread(target=log._watch, daemon=True)  # noqa: SLF001 - its own
    thread.start()
    try:
        yield log
    finally:
        log.ended.set()
        thread.join(timeout=10)
