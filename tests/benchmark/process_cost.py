# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole process costs, from its start to its end."""

from __future__ import annotations

import resource
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .figures import RUNS, Samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT_S = 60


@dataclass(frozen=True)
class Cost:
    """Wall time, and CPU time of the process and its children (user and system), in ms."""

    wall: float
    cpu: float


def in_turns(commands: Mapping[str, Sequence[str]]) -> dict[str, list[Cost]]:
    """Every command, again and again in this order; a first round, which fills caches, does not count."""
    done: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(RUNS + 1):
        for name, argv in commands.items():
            cost = once(argv)
            done[name] += [cost] if turn else []
    return done


def wall(costs: Sequence[Cost]) -> Samples:
    """Wall time of each run."""
    return Samples("ms", tuple(cost.wall for cost in costs))


def cpu(costs: Sequence[Cost]) -> Samples:
    """CPU time of each run, which other work on the machine disturbs less."""
    return Samples("ms", tuple(cost.cpu for cost in costs))


def bounded(argv: Sequence[str], most_s: float) -> Cost:
    """The same for what may take minutes: ended after ``most_s``, which then is less than it costs."""
    try:
        return once(argv, most_s)
    except subprocess.TimeoutExpired:
        return Cost(1000 * most_s, 1000 * most_s)


def once(argv: Sequence[str], timeout_s: float = TIMEOUT_S) -> Cost:
    """Raises CalledProcessError when the command fails, TimeoutExpired when it hangs."""
    before, start = _cpu_of_children(), time.monotonic()
    subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, timeout=timeout_s
    )
    return Cost(1000 * (time.monotonic() - start), 1000 * (_cpu_of_children() - before))


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
