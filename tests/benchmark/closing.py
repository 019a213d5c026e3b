# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three ways to close half-closed fds of a running process, each with what it cost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from . import victim
from .figures import RUNS, Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Way = Callable[[victim.Victim], "Said"]

PROGRAMS = Path(__file__).parent / "programs"
MAX_STOP_MS = 100.0
UNDISTURBED_S = 0.5
TIMEOUT_S = 60


@dataclass(frozen=True)
class Closing:
    """What closing cost: the victim's stops and the wall time, in ms; fds named and closed; ``remarks`` of the tool.

    ``step``: the longest time between two fds of one stop, ms, by the tool's own clock; 0 when it does not say.
    """

    stop: float
    longest: float
    wall: float
    named: int
    closed: int
    remarks: tuple[str, ...]
    step: float = 0.0


@dataclass(frozen=True)
class Said:
    """What the tool says of its work."""

    remarks: tuple[str, ...] = ()
    step: float = 0.0


def in_turns(ways: Mapping[str, tuple[Way, int]], runs: int = RUNS) -> dict[str, list[Closing]]:
    """Every way on as many fds as it is given, again and again in this order."""
    done: dict[str, list[Closing]] = {name: [] for name in ways}
    for _turn in range(runs):
        for name, (way, fds) in ways.items():
            done[name].append(_measure(way, fds))
    return done


def stop(closings: Sequence[Closing]) -> Samples:
    """All stops of each run together."""
    return Samples("ms", tuple(closing.stop for closing in closings))


def longest(closings: Sequence[Closing]) -> Samples:
    """The longest stop of each run."""
    return Samples("ms", tuple(closing.longest for closing in closings))


def longest_of_all(closings: Sequence[Closing]) -> Samples:
    """The longest stop of all runs, for a limit that holds always."""
    return Samples("ms", (max(closing.longest for closing in closings),))


def cap_and_step(closings: Sequence[Closing]) -> Samples:
    """What no stop may last longer than: the cap, and one step more."""
    return Samples("ms", (MAX_STOP_MS + max(closing.step for closing in closings),))


def wall(closings: Sequence[Closing]) -> Samples:
    """Wall time of each run."""
    return Samples("ms", tuple(closing.wall for closing in closings))


def remarks(name: str, closings: Sequence[Closing]) -> tuple[str, ...]:
    """What a reader has to know about the work that was measured."""
    named, closed = sum(closing.named for closing in closings), sum(closing.closed for closing in closings)
    said = {remark for closing in closings for remark in closing.remarks}
    notes = [f"{name} said: {remark}" for remark in sorted(said)]
    return (f"{name}: {closed} of {named} fds were closed.", *notes)


def _measure(way: Way, fds: int) -> Closing:
    """Do it to a fresh victim with that many fds."""
    with victim.running(fds) as target:
        start = time.monotonic()
        said = way(target)
        elapsed = 1000 * (time.monotonic() - start)
        stops = target.stops()
        closed = fds - target.still_open()
        return Closing(stops.total, stops.longest, elapsed, fds, closed, said.remarks, said.step)


def ours(target: victim.Victim) -> Said:
    """``fd_close`` in a Python process of its own. Raises RuntimeError unless it closes everything."""
    return _ours(target.targets)


def ours_every_second(target: victim.Victim) -> Said:
    """The same for every second of its sockets, so that no number follows another."""
    return _ours(target.targets[::2])


def _ours(targets: Sequence[Mapping[str, object]]) -> Said:
    report = json.loads(_program("fd_closer.py", targets))
    refused = [row for row in report["results"] if row["outcome"] != "closed"]
    if refused:
        raise RuntimeError(f"fd_close did not close {len(refused)} of {len(report['results'])}: {refused[0]}")
    return Said(step=_longest_step([row["stop_ms"] for row in report["results"]]))


def _longest_step(moments: Sequence[float]) -> float:
    """``moments``: how far into its stop each fd was done, in this order. Time runs backwards where a stop begins."""
    return max((later - earlier for earlier, later in pairwise(moments) if later > earlier), default=0.0)


def nothing(_target: victim.Victim) -> Said:
    """Leave it alone: what the victim sees then is the error of its measurement."""
    time.sleep(UNDISTURBED_S)
    return Said()


def floor(target: victim.Victim) -> Said:
    """The same checks and system calls by bare ptrace, in one stop."""
    _program("ptrace_floor.py", target.targets)
    return Said()


def floor_by_identity(target: victim.Victim) -> Said:
    """The same, and hardly a look at anything."""
    _program("ptrace_floor.py", target.targets, "identity")
    return Said()


def one_gdb_per_fd(target: victim.Victim) -> Said:
    """The one-liner, for one fd after the other."""
    said: dict[str, None] = {}
    for fd in target.targets:
        argv = ["gdb", "-p", str(target.pid), "-ex", f"p close({fd['fd']})", "-ex", "set confirm off", "-ex", "quit"]
        run = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
        if "$1 = 0" not in run.stdout:
            said[(run.stderr.strip().splitlines() or ["no answer"])[-1]] = None
    return Said(tuple(said))


def _program(name: str, targets: Sequence[Mapping[str, object]], *arguments: str) -> str:
    argv = [sys.executable, str(PROGRAMS / name), *arguments]
    order = json.dumps({"targets": list(targets), "max_stop_ms": MAX_STOP_MS})
    run = subprocess.run(argv, input=order, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    if run.returncode != 0:
        raise RuntimeError(f"{name} failed: {run.stderr.strip()[-500:]}")
    return run.stdout
