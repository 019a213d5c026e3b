# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``diagnose`` names the process, the descriptor and the setting of Redis, and changes nothing."""

from __future__ import annotations

from pathlib import Path

from scenario_kit.busy_machine import PATIENT_LOOK
from scenario_kit.celery_spin import SpinningWorker
from scenario_kit.kernel_scheduling import start_time, watch_conduct
from scenario_kit.playbooks import Control


def test_diagnose_names_process_descriptor_and_cause(spinning: SpinningWorker, tmp_path: Path) -> None:
    timeout_before = spinning.site.redis.live_timeout()
    outcome = Control(tmp_path / "control").playbook("diagnose", **PATIENT_LOOK)
    assert outcome.status == 0, outcome.text
    finding = outcome.finding(spinning.pid, "half_closed_spin")
    assert finding["confidence"] == "proven"
    assert finding["process"]["start_time"] == start_time(spinning.pid)
    cause = finding["cause"]
    assert (cause["status"], cause["service"], cause["setting"]) == ("proven", "redis", "timeout")
    assert cause["value"] == timeout_before
    assert (cause["peer"]["address"], cause["peer"]["port"]) == ("127.0.0.1", spinning.site.redis.port)
    targets = [t for remedy in finding["remedy"] if remedy["action"] == "fd_close" for t in remedy["vars"]["targets"]]
    assert [(t["pid"], t["fd"], t["inode"]) for t in targets] == [
        (spinning.pid, spinning.watch.number, spinning.watch.inode)
    ]
    assert watch_conduct(spinning.pid).spins
    assert spinning.site.redis.live_timeout() == timeout_before
