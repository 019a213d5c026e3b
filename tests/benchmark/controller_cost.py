# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook of one task costs its controller."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Task = dict[str, dict[str, Any]]
_KIB = 1024


@dataclass(frozen=True)
class Cost:
    """Wall time; CPU time of all its processes on the controller, ssh among them; bytes of the largest of them."""

    wall_ms: float
    cpu_ms: float
    memory: float


def in_turns(tasks: Sequence[Mapping[str, Any]], inventory: Path, forks: int, runs: int) -> list[list[Cost]]:
    """Every task on all hosts, again and again in this order; of several runs the first does not count."""
    done: list[list[Cost]] = [[] for _task in tasks]
    first = int(runs > 1)
    for _turn in range(runs + first):
        for costs, task in zip(done, tasks, strict=True):
            costs.append(_run(task, inventory, forks))
    return [costs[first:] for costs in done]


def _run(task: Mapping[str, Any], inventory: Path, forks: int) -> Cost:
    """Raises RuntimeError with the end of what it printed when the playbook fails."""
    playbook = inventory.with_name("playbook.json")
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    program = os.path.join(os.environ["CLOSEWAIT_ANSIBLE_BIN"], "ansible-playbook")
    log = inventory.with_name("output.txt")
    settings = {"ANSIBLE_FORKS": str(forks), "ANSIBLE_HOME": str(inventory.with_name("home"))}
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-i", str(inventory), str(playbook)],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        # The figures of the process and of all that it has waited for (getrusage(2)).
        _pid, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        told = log.read_text(errors="replace")
        raise RuntimeError(f"{list(task)} failed:\n{told[told.find('fatal:') :][:2000]}")
    return Cost(1000 * wall, 1000 * (used.ru_utime + used.ru_stime), _KIB * used.ru_maxrss)
