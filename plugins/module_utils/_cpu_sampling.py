# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How processes and their threads use the CPU over a window, in several sub-windows (psutil; proc_pid_status(5)).

Three sweeps over all processes; only those found busy in the first sub-window are followed thread by thread, so the
cost does not grow with processes times sub-windows.
"""

from __future__ import annotations

import os
import re
import time
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs

try:
    import psutil

    HAS_PSUTIL = True
except ImportError:
    HAS_PSUTIL = False

_SWITCHES = re.compile(r"^((?:non)?voluntary)_ctxt_switches:\s*(\d+)", re.MULTILINE)
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Thread(NamedTuple):
    """One thread at one moment: CPU in seconds, switches as counters, state letter of proc(5)."""

    seconds: float
    voluntary: int
    involuntary: int
    state: str


class Tick(NamedTuple):
    """One process at one moment: ``when`` on the monotonic clock, CPU in seconds since its start."""

    when: float
    user: float
    system: float
    state: str
    threads: Dict[int, Thread]

    @property
    def seconds(self) -> float:
        """User and system together."""
        return self.user + self.system


class Key(NamedTuple):
    """What names a process for good; ``start_time`` in clock ticks since boot."""

    pid: int
    start_time: int


History = Dict[Key, List[Tick]]
Attend = Callable[[Sequence[Key]], None]


def attend_nothing(_busy: Sequence[Key]) -> None:
    """For those who want the ticks alone."""


def follow(
    window: float, subwindows: int, busy_percent: float, proc: str = "/proc", attend: Attend = attend_nothing
) -> History:
    """Ticks of every process alive at both ends; those busy at first also at each sub-window's end, with threads.

    ``window`` in seconds, ``subwindows`` at least 2. Processes that start or end meanwhile are left out. ``attend`` is
    called at the end of each sub-window with those found busy in the first, busiest first.
    """
    step = window / subwindows
    history: History = {key: [tick] for key, tick in _sweep(proc).items()}
    # On a host with too little CPU a look takes long: nobody is watched for less than the window because of that.
    start = time.monotonic()
    _sleep_until(start + step)
    _append(history, _sweep(proc))
    busy = [key for key, ticks in history.items() if len(ticks) == 2 and _is_busy(ticks, busy_percent)]
    busy.sort(key=lambda key: -share(*history[key]))
    attend(busy)
    for key in busy:
        history[key][-1] = history[key][-1]._replace(threads=threads(key.pid, proc))
    for index in range(2, subwindows):
        _sleep_until(start + index * step)
        _append(history, _ticks(busy, proc))
        attend(busy)
    _sleep_until(start + window)
    attend(busy)
    final = {**_sweep(proc), **_ticks(busy, proc)}
    _append(history, final)
    return {key: ticks for key, ticks in history.items() if key in final}


def share(first: Tick, last: Tick) -> float:
    """Percent of one CPU used between two ticks."""
    return 100.0 * (last.seconds - first.seconds) / max(last.when - first.when, 1e-6)


def threads(pid: int, proc: str = "/proc") -> dict[int, Thread]:
    """All threads of a process now; empty when it is gone."""
    found: dict[int, Thread] = {}
    folder = "%s/%d/task" % (proc, pid)
    try:
        tids = [int(name) for name in os.listdir(folder)]
    except OSError:
        return found
    for tid in tids:
        thread = _thread("%s/%d" % (folder, tid))
        if thread is not None:
            found[tid] = thread
    return found


def parse_thread(stat: str, status: str) -> Thread:
    """One thread from its ``stat`` and ``status`` (psutil gives switches for the leader only)."""
    fields = stat.rpartition(")")[2].split()
    switches = {kind: int(count) for kind, count in _SWITCHES.findall(status)}
    seconds = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return Thread(seconds, switches.get("voluntary", 0), switches.get("nonvoluntary", 0), fields[0])


def _thread(folder: str) -> Optional[Thread]:
    try:
        return parse_thread(_read(folder + "/stat"), _read(folder + "/status"))
    except OSError:
        return None


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def _is_busy(ticks: list[Tick], busy_percent: float) -> bool:
    return share(ticks[-2], ticks[-1]) >= busy_percent


def _append(history: History, ticks: dict[Key, Tick]) -> None:
    for key, tick in ticks.items():
        if key in history:
            history[key].append(tick)


def _sweep(proc: str) -> dict[Key, Tick]:
    return _collect(psutil.pids(), proc)


def _ticks(keys: Iterable[Key], proc: str) -> dict[Key, Tick]:
    wanted = set(keys)
    found = _collect([key.pid for key in wanted], proc)
    return {key: tick._replace(threads=threads(key.pid, proc)) for key, tick in found.items() if key in wanted}


def _collect(pids: Iterable[int], proc: str) -> dict[Key, Tick]:
    found: dict[Key, Tick] = {}
    for pid in pids:
        stat = _procfs.stat(pid, proc)
        # A zombie has ended; only its parent has not asked yet.
        if stat is None or stat.state in "ZX":
            continue
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.NoSuchProcess:
            continue
        tick = Tick(time.monotonic(), times.user, times.system, stat.state, {})
        found[Key(pid, stat.start_time)] = tick
    return found


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
