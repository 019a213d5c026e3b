# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Negative controls: a shared pool, a bounded one, and a start-up burst that went quiet, all on one host."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median_low

from scenario_kit.dispatchers import Dispatchers
from scenario_kit.playbooks import Control

#: Longer than ``explosion_hot_s``: until then a burst is not quiet yet.
QUIET_S = 12


def test_right_pools_that_look_similar_are_healthy(healthy: dict[str, Dispatchers], folder: Path) -> None:
    counts = {
        name: [number for of_process in crew.connections().values() for number in of_process.values()]
        for name, crew in healthy.items()
    }
    # The burst has as many to each backend as the incident; the bounded pool has no variance, like the incident.
    assert set(counts["burst"]) == {31}
    assert set(counts["block"]) == {2}
    assert 1 <= median_low(counts["shared"]) < 20
    time.sleep(QUIET_S)
    outcome = Control(folder / "control").playbook("diagnose", closewait_window=1)
    assert outcome.status == 0, outcome.text
    host = outcome.report("diagnosis.json")["hosts"]["localhost"]
    assert (host["findings"], host["unknown"], host["errors"]) == ([], [], []), outcome.text
    assert host["verdict"] == "healthy"
    assert [error for crew in healthy.values() for error in crew.errors()] == []
