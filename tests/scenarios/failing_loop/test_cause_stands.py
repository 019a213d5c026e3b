# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""While the disk is full nothing is restarted; with space again the same process goes on by itself."""

from __future__ import annotations

import stat
import tarfile
import time
from pathlib import Path
from typing import Any

from scenario_kit.figures import record
from scenario_kit.kernel_scheduling import start_time
from scenario_kit.playbooks import Control
from scenario_kit.twisted_backend import TwistedBackend
from scenario_kit.waiting import wait_for

RECOVERY_S = 120


def _unpacked(reports: Path, folder: Path) -> Path:
    """The one scene that was fetched; it is for its owner only."""
    [scene] = (reports / "scenes/localhost").iterdir()
    assert stat.S_IMODE(scene.stat().st_mode) == 0o600
    with tarfile.open(scene) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _capture(backend: TwistedBackend, control: Control, python: str, folder: Path) -> None:
    """The scene by itself, without a diagnosis: what fails is in it."""
    asking = {"closewait_scene_pids": [backend.pid], "closewait_fetch": True, "closewait_stacks": True}
    outcome = control.playbook("capture", **asking, closewait_py_spy=str(Path(python).parent / "py-spy"))
    assert outcome.status == 0, outcome.text
    scene = _unpacked(outcome.reports, folder)
    assert f" -> {backend.log}\n" in (scene / f"{backend.pid}/fd").read_text()
    assert "GET /" in (scene / f"{backend.pid}/files{backend.log}").read_text()
    assert "BACKEND_LOG" in (scene / f"{backend.pid}/environ_names").read_text().splitlines()
    assert (scene / f"{backend.pid}/stacks").stat().st_size > 0


def test_a_full_disk(full: TwistedBackend, tmp_path: Path, looking: dict[str, Any], python: str) -> None:
    born = start_time(full.pid)
    control = Control(tmp_path / "control")
    _capture(full, control, python, tmp_path / "scene")
    asking = {**looking, "closewait_verify_commands": [full.ask_command()]}
    outcome = control.playbook("remediate", closewait_allow="disruptive", closewait_verify_seconds=0, **asking)
    assert outcome.status != 0, outcome.text
    finding = outcome.finding(full.pid, "failing_loop")
    assert [other["id"] for other in outcome.findings(full.pid)] == ["failing_loop"]
    assert finding["confidence"] in ("proven", "suspected")
    assert f"the file system of {full.log} " in finding["cause"]["summary"]
    assert outcome.report("plan.json")["actions"] == []
    [left] = outcome.report("plan.json")["not_healed"]
    assert f"free space on the file system of {full.log}" in left["reason"]
    assert start_time(full.pid) == born
    assert full.spins()
    full.free_disk()
    freed = time.monotonic()
    wait_for(lambda: full.answers(1), RECOVERY_S, "the backend to answer again")
    recovery_s = time.monotonic() - freed
    verified = control.playbook("verify", closewait_output_dir=str(outcome.reports), **asking)
    assert verified.status == 0, verified.text
    assert start_time(full.pid) == born
    record("failing_loop_full_disk", recovery_s=recovery_s, evidence=finding["evidence"]["told"])
