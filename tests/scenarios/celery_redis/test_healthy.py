# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Negative controls: what looks like the incident and is none must not be called one."""

from __future__ import annotations

import sys
from pathlib import Path

from scenario_kit.celery_worker import CelerySite, celery_worker
from scenario_kit.kernel_scheduling import watch_conduct
from scenario_kit.kernel_sockets import close_wait_fds, half_closed_watches
from scenario_kit.playbooks import Control
from scenario_kit.processes import started
from scenario_kit.waiting import wait_for

SPINS = ("half_closed_spin", "ghost_registration_spin", "stale_watcher_spin")


def test_an_idle_worker_with_half_closed_pool_connections_is_healthy(site: CelerySite, tmp_path: Path) -> None:
    """Redis' ``timeout`` leaves such sockets in every worker; they heal when they are next used."""
    with celery_worker(site) as worker:
        site.queue("quick-1", "quick-2")
        site.wait_until_done(10)
        wait_for(lambda: len(close_wait_fds(worker.pid)) >= 2, 20, "idle connections to be closed by Redis")
        assert not half_closed_watches(worker.pid)
        outcome = Control(tmp_path / "control").playbook("diagnose")
        assert close_wait_fds(worker.pid)
    assert outcome.status == 0, outcome.text
    host = outcome.report("diagnosis.json")["hosts"]["localhost"]
    assert host["verdict"] == "healthy", host
    assert host["findings"] == []
    assert host["errors"] == []


def test_honest_work_is_not_proven_to_be_a_spin(site: CelerySite, tmp_path: Path) -> None:
    """It never sleeps, holds a half-closed socket to the same Redis, and is no spin."""
    program: list[str | Path] = [sys.executable, Path(__file__).with_name("honest_work.py"), str(site.redis.port)]
    with started(program, tmp_path / "honest.log") as busy:
        wait_for(lambda: close_wait_fds(busy.pid), 20, "the connection to be closed by Redis")
        outcome = Control(tmp_path / "control").playbook("diagnose")
        assert watch_conduct(busy.pid).spins
    assert outcome.status == 0, outcome.text
    assert outcome.report("diagnosis.json")["hosts"]["localhost"]["errors"] == []
    assert [f for f in outcome.findings(busy.pid) if f["id"] in SPINS and f["confidence"] == "proven"] == []
