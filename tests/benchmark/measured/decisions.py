# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller computes once all facts are there, and how it grows with the hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ..figures import RUNS, Row, Samples, Section

PROGRAM = Path(__file__).parents[1] / "programs" / "decide.py"
FEW, MANY = 1_000, 10_000
GROWTH = MANY / FEW
TIMEOUT_S = 300

TEXT = f"""\
Diagnosis with all rules, those that compare hosts among them, plan and table of {FEW:,} and of {MANY:,} hosts, of which
one in twenty has a finding. CPU time, without what Ansible needs to gather; memory is the largest resident set, the
facts of all hosts included."""


def measure() -> Section:
    """Both numbers in turns."""
    few: list[dict[str, float]] = []
    many: list[dict[str, float]] = []
    for _turn in range(RUNS):
        few.append(_decided(FEW))
        many.append(_decided(MANY))
    return Section(
        "Decisions",
        TEXT,
        (
            _row("diagnosis, plan and table", "ms", few, many, GROWTH),
            _row("memory", "bytes", few, many, GROWTH),
        ),
    )


def _decided(hosts: int) -> dict[str, float]:
    run = subprocess.run(
        [sys.executable, str(PROGRAM), str(hosts)], stdout=subprocess.PIPE, check=True, timeout=TIMEOUT_S
    )
    found: dict[str, float] = json.loads(run.stdout)
    return found


def _row(what: str, unit: str, few: list[dict[str, float]], many: list[dict[str, float]], reach: float) -> Row:
    ours, theirs = (Samples(unit, tuple(run[unit] for run in runs)) for runs in (many, few))
    return Row(f"{what}, {MANY:,} hosts", ours, f"the same, {FEW:,}", theirs, reach)
