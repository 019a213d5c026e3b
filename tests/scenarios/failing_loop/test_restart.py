# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where no cause is found standing, supervisord's program is asked to end, killed as it does not, and answers again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from scenario_kit.figures import record
from scenario_kit.kernel_scheduling import process_state
from scenario_kit.playbooks import Control
from scenario_kit.supervised import Supervised
from scenario_kit.twisted_backend import TwistedBackend


def test_a_log_folder_that_vanished(
    supervised: tuple[TwistedBackend, Supervised], tmp_path: Path, looking: dict[str, Any]
) -> None:
    backend, supervisor = supervised
    control, began = Control(tmp_path / "control"), time.monotonic()
    asking = {**looking, "closewait_verify_commands": [backend.ask_command()]}
    outcome = control.playbook("remediate", closewait_allow="disruptive", **asking)
    took = time.monotonic() - began
    assert outcome.status == 0, outcome.text
    finding = outcome.finding(backend.pid, "failing_loop")
    assert finding["confidence"] == "likely"
    assert ("openat", "ENOENT") in [(call["call"], call["errno"]) for call in finding["evidence"]["failing_calls"]]
    assert finding["process"]["runtime"]["name"] == "cpython"
    assert "did not act on TERM and was killed" in outcome.text
    assert [scene.name for scene in (tmp_path / "control/scenes").glob(f"*-{backend.pid}.tar.gz")]
    assert process_state(backend.pid) is None
    assert supervisor.pid() not in (0, backend.pid)
    assert all(backend.answers() for _request in range(20))
    again = control.playbook("remediate", closewait_allow="disruptive", **asking)
    assert again.status == 0, again.text
    assert "changed=0 " in again.text, again.text
    assert again.report("diagnosis.json")["hosts"]["localhost"]["verdict"] == "healthy"
    record("failing_loop_restart", playbook_s=took, evidence=finding["evidence"]["told"])
