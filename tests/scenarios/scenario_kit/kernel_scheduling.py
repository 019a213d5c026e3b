# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a process spends its time, from /proc (proc_pid_stat(5), proc_pid_status(5), the kernel's sched-stats)."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_VOLUNTARY = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Conduct:
    """What a process did over a window: shares are of the wall clock, 1.0 is the whole window."""

    seconds: float
    states: str
    runnable_share: float
    user_share: float
    system_share: float
    voluntary_per_s: float

    @property
    def spins(self) -> bool:
        """Never asleep: runnable throughout and no pause of its own.

        ``runnable_share`` counts the time spent waiting for a CPU too, so a loaded machine does not hide a spin. A few
        voluntary switches a second come from a worker's timers.
        """
        return self.runnable_share > 0.85 and self.voluntary_per_s < 15


@dataclass(frozen=True)
class _Counters:
    clock: float
    runnable: float
    user: int
    system: int
    voluntary: int


def start_time(pid: int) -> int:
    """Clock ticks since boot at which the process started: with the pid, its identity."""
    return int(_stat_fields(pid)[19])


def process_state(pid: int) -> str | None:
    """``R``, ``S`` …; None when there is no such process any more."""
    try:
        return _stat_fields(pid)[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def _stat_fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _read(pid: int) -> _Counters:
    fields = _stat_fields(pid)
    ran, waited = (int(part) for part in Path(f"/proc/{pid}/schedstat").read_text().split()[:2])
    match = _VOLUNTARY.search(Path(f"/proc/{pid}/status").read_text())
    assert match, "no voluntary_ctxt_switches"
    return _Counters(time.monotonic(), (ran + waited) / 1e9, int(fields[11]), int(fields[12]), int(match[1]))


def watch_conduct(pid: int, seconds: float = 1.0, samples: int = 5) -> Conduct:
    """Observe the process for ``seconds``, looking at its state ``samples`` times."""
    before, states = _read(pid), ""
    for _turn in range(samples):
        time.sleep(seconds / samples)
        states += process_state(pid) or "-"
    after = _read(pid)
    wall = after.clock - before.clock
    return Conduct(
        seconds=wall,
        states=states,
        runnable_share=(after.runnable - before.runnable) / wall,
        user_share=(after.user - before.user) / _TICKS / wall,
        system_share=(after.system - before.system) / _TICKS / wall,
        voluntary_per_s=(after.voluntary - before.voluntary) / wall,
    )
