# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Negative controls: under the same load, and slow, but nobody is kept waiting for what will not come."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_kit.blocked_loop import BLOCKING, RATE_PER_S, BlockedLoopSite
from scenario_kit.kernel_accept import accept_queue
from scenario_kit.playbooks import Control
from scenario_kit.waiting import wait_for


def _healthy(directory: Path) -> None:
    outcome = Control(directory).playbook("diagnose")
    assert outcome.status == 0, outcome.text
    host = outcome.report("diagnosis.json")["hosts"]["localhost"]
    assert host["findings"] == []
    assert host["unknown"] == []
    assert host["verdict"] == "healthy"


@pytest.mark.parametrize("style", ["async", "executor"])
def test_the_same_load_with_a_client_that_does_not_block(running: BlockedLoopSite, tmp_path: Path, style: str) -> None:
    running.slow_down(0.5)
    running.restart(style)
    with running.load(running.patient_port, RATE_PER_S, 400) as load:
        wait_for(lambda: load.outcomes()["200"] > 20, 60, "answers")
        _healthy(tmp_path / "control")
        outcomes = load.wait(120)
    assert set(outcomes) == {"200"}, outcomes


def test_slow_nodes_that_get_round_to_everybody(running: BlockedLoopSite, tmp_path: Path) -> None:
    """They block as well, most of the time, and now and then somebody has to wait."""
    running.slow_down(0.15)
    running.restart(*BLOCKING)
    with running.load(running.patient_port, 9, 900, burst=9) as load:
        wait_for(lambda: load.outcomes()["200"] > 10, 60, "answers")
        _healthy(tmp_path / "control")
        wait_for(lambda: _somebody_waits(running), 60, "somebody to have to wait", every=0.01)
        outcomes = load.outcomes()
    assert set(outcomes) == {"200"}, outcomes


def _somebody_waits(site: BlockedLoopSite) -> bool:
    return any(accept_queue(port).waiting for port in site.nodes)
