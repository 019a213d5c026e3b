# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the workflow one after the other, each with nothing but what those before have published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awx.conftest import checkout
from awx.job import Outcome, job
from readme.hosts import HOWEVER_LITTLE_CPU, host, spinning_client

#: What a survey of the workflow gives to every job, with short waits.
ANSWERS: dict[str, Any] = {
    "closewait_allow": "invasive",
    "closewait_max_fail_percentage": 0,
    "closewait_verify_commands": '[["true"]]',
    "closewait_verify_seconds": 1,
    "closewait_batch_seconds": 0,
    "closewait_window": 2.0,
    "closewait_thresholds": HOWEVER_LITTLE_CPU,
}


class Workflow:
    """Jobs in one inventory with one host, each in a checkout of its own."""

    def __init__(self, place: Path, variables: dict[str, Any]) -> None:
        self.place = place
        self.variables = variables
        self._jobs = 0

    def run(self, playbook: str, **published: Any) -> Outcome:
        """Run the next job."""
        self._jobs += 1
        place = self.place / f"job{self._jobs}"
        place.mkdir()
        project = checkout(place / "project")
        hosts = {"kiln1": self.variables}
        # A template says so itself (awx/resources/job_templates.yml).
        extra = {"closewait_approved_only": True} if "remediate" in playbook else {}
        return job(place / "job", project, playbook, hosts, {**ANSWERS, **extra, **published}).run()


@pytest.fixture
def workflow(tmp_path: Path) -> Iterator[Workflow]:
    with host("kiln1", tmp_path) as kiln, spinning_client(kiln, tmp_path):
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(kiln.python),
            "closewait_scene_dir": str(tmp_path / "scenes"),
            "closewait_lock_file": str(tmp_path / "lock" / "run.lock"),
        }
        yield Workflow(tmp_path, variables)


def verdicts(outcome: Outcome) -> list[str]:
    return [process["verdict"] for process in outcome.published["closewait_result"]["hosts"]["kiln1"]["processes"]]


def test_what_was_approved_is_done_and_nothing_else(workflow: Workflow) -> None:
    published = workflow.run("playbooks/diagnose.yml").published
    actions = published["closewait_plan"]["actions"]
    assert [action["action"] for action in actions if action["allowed"]] == ["fd_close"]

    nothing = {name: value for name, value in published.items() if name != "closewait_handed_over"}
    unapproved = workflow.run("playbooks/remediate.yml", **nothing)
    assert unapproved.status == "failed"
    assert "no job before this one has handed a plan over" in unapproved.output
    assert not unapproved.published

    handed_over = json.loads(published["closewait_handed_over"])
    handed_over["plan"]["actions"] = []
    refused = workflow.run("playbooks/remediate.yml", **{**published, "closewait_handed_over": json.dumps(handed_over)})
    assert (refused.status, verdicts(refused)) == ("failed", ["still_spinning"])

    healed = workflow.run("playbooks/remediate.yml", **published)
    assert (healed.status, verdicts(healed)) == ("successful", ["healed"]), healed.output

    later = workflow.run("playbooks/verify.yml", **{**published, **healed.published})
    assert (later.status, verdicts(later)) == ("successful", ["healed"]), later.output
