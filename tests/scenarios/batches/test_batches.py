# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The next batch begins when the one before it is better for it, and only then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scenario_kit.busy_machine import PATIENT_LOOK
from scenario_kit.hardship import Hardship
from scenario_kit.kernel_scheduling import watch_conduct
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.processes import Program

ASKED: dict[str, Any] = {"closewait_allow": "invasive", "closewait_verify_seconds": 1, **PATIENT_LOOK}


def worked_on(outcome: Outcome) -> int:
    """How many times somebody was told what became of the socket."""
    return sum(line.strip().startswith('"msg": "pid ') for line in outcome.text.splitlines())


def test_after_a_batch_that_is_better_for_it_comes_the_next(unseen: Program, control: Control) -> None:
    outcome = control.playbook("remediate", **ASKED)
    assert outcome.status == 0, outcome.text
    assert "is not better for it" not in outcome.text
    # The second batch found the socket gone: it was tried, and nothing else was hit.
    assert worked_on(outcome) == 2, outcome.text
    assert "(the number is another file now; diagnose again)" in outcome.text
    assert [host["left_alone"] for host in outcome.report("result.json")["hosts"].values()] == [None, None]
    assert unseen.running()
    assert not watch_conduct(unseen.pid, 0.5).spins


def test_after_one_that_is_not_it_stops_and_says_so(victim: Hardship, control: Control) -> None:
    outcome = control.playbook("remediate", **ASKED, closewait_verify_commands=[["false"]])
    assert outcome.status != 0
    assert worked_on(outcome) == 1, outcome.text
    hosts = outcome.report("result.json")["hosts"]
    assert hosts["kiln"]["left_alone"] is None
    assert "as 1 of 1 hosts are not better for it: kiln (false failed: exit status 1)" in hosts["twin"]["left_alone"]
    victim.check_cured()


def test_another_run_is_not_met(victim: Hardship, control: Control) -> None:
    lock = control.directory / "run.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"run": "theirs", "who": "ops on control1", "taken_at": 1.0, "until": 9e9}))
    outcome = control.playbook("remediate", **ASKED)
    assert outcome.status != 0
    assert worked_on(outcome) == 0
    reasons = {host["left_alone"] for host in outcome.report("result.json")["hosts"].values()}
    assert all("run theirs of ops on control1 has it" in reason for reason in reasons), reasons
    assert victim.spinner.dead_watches()
    assert json.loads(lock.read_text())["run"] == "theirs"


def test_what_was_struck_out_of_a_reviewed_plan_is_not_done(victim: Hardship, control: Control, tmp_path: Path) -> None:
    plan = control.playbook("diagnose", **ASKED).report("plan.json")
    assert {action["action"] for action in plan["actions"] if action["allowed"]} == {"fd_close"}
    reviewed = tmp_path / "reviewed.json"
    reviewed.write_text(json.dumps({**plan, "actions": []}))
    outcome = control.playbook("remediate", **ASKED, closewait_plan_file=str(reviewed))
    assert outcome.status != 0
    assert worked_on(outcome) == 0
    assert victim.spinner.dead_watches()
    reviewed.write_text(json.dumps(plan))
    done = control.playbook("remediate", **ASKED, closewait_plan_file=str(reviewed))
    assert done.status == 0, done.text
    victim.check_cured()
