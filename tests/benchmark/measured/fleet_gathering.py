# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence of many hosts over SSH: how long it takes, and how much memory the controller wants for it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from fleet import apart
from fleet.base_tree import base_tree
from fleet.booted import Booted
from fleet.hosting import Fleet, hosts

from .. import controller_cost
from ..controller_cost import Cost
from ..figures import RUNS, Row, Samples, Section

HOSTS, NAMES = 20, 500
WINDOW_S = 0.25
FORKS = 20
OURS: dict[str, dict[str, Any]] = {
    "closewait.remediation.incident_facts": {"gather_subset": ["tcp", "cpu"], "window": WINDOW_S}
}
THEIRS: dict[str, dict[str, Any]] = {"ansible.builtin.setup": {}}
COUNTERPART = "ansible.builtin.setup"

TEXT = f"""\
{HOSTS} hosts with a systemd each, in systemd-nspawn on this machine (tests/fleet), over SSH with pipelining and sudo,
{FORKS} forks. Each figure is a whole ansible-playbook with one task from start to end. `incident_facts` gathers `tcp`
and `cpu`; the {WINDOW_S} s over which it watches the CPU are taken off its wall time once. {NAMES} hosts are simulated:
each of the {HOSTS} has {NAMES // HOSTS} names in the inventory; one run each. Controller and hosts share the machine,
so the wall time is the work of both. Memory is the resident set of the largest process of the controller."""


def prepare() -> None:
    """Make the files of the hosts while there is a network."""
    base_tree(_cache())


def measure() -> Section:
    """Both in turns, first at the hosts that there are, then once at all the names."""
    apart.settle()
    with hosts(HOSTS, Booted(_cache())) as fleet, tempfile.TemporaryDirectory() as folder:
        few = _in_turns(fleet, 1, Path(folder), RUNS)
        many = _in_turns(fleet, NAMES // HOSTS, Path(folder), 1)
    return Section("A fleet", TEXT, (*_rows(f"{HOSTS} hosts", few), *_rows(f"{NAMES} names", many)))


def _cache() -> Path:
    return Path(os.environ["CLOSEWAIT_CACHE"])


def _in_turns(fleet: Fleet, names: int, folder: Path, runs: int) -> tuple[list[Cost], list[Cost]]:
    """Ours and theirs, with so many names for each host; a first round does not count where there are several."""
    inventory = folder / f"inventory-{names}"
    inventory.write_text(_with_names(fleet, names))
    ours, theirs = controller_cost.in_turns((OURS, THEIRS), inventory, FORKS, runs)
    return ours, theirs


def _with_names(fleet: Fleet, names: int) -> str:
    """The fleet's inventory in which each host is there several times, and no two of its names in a row.

    Forks that are at one host at the same time would see each other's work there, which they never do at 500 hosts.
    """
    first, rest = fleet.inventory().split("\n\n", 1)
    lines = [
        f"{name}-{number} {settings}" for number in range(names) for name, settings in map(_parted, first.splitlines())
    ]
    return "\n".join(lines) + "\n\n" + rest


def _parted(line: str) -> tuple[str, str]:
    name, _blank, settings = line.partition(" ")
    return name, settings


def _rows(at: str, costs: tuple[list[Cost], list[Cost]]) -> list[Row]:
    ours, theirs = costs
    watched = 1000 * WINDOW_S
    return [
        Row(
            f"incident_facts, {at}",
            Samples("ms", tuple(cost.wall_ms - watched for cost in ours)),
            COUNTERPART,
            Samples("ms", tuple(cost.wall_ms for cost in theirs)),
            1.0,
        ),
        Row(
            f"controller's memory, {at}",
            Samples("bytes", tuple(cost.memory for cost in ours)),
            COUNTERPART,
            Samples("bytes", tuple(cost.memory for cost in theirs)),
            1.2,
        ),
        Row(
            f"controller's CPU time, {at}",
            Samples("ms", tuple(cost.cpu_ms for cost in ours)),
            COUNTERPART,
            Samples("ms", tuple(cost.cpu_ms for cost in theirs)),
        ),
    ]
