# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks in jobs of AWX's engine: by path from a checkout, with the answers of a survey."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from awx.conftest import CALM, SPINNING
from awx.job import COLLECTIONS, Hosts, Outcome, job, sliced
from readme.hosts import HOWEVER_LITTLE_CPU

DIAGNOSE = "playbooks/diagnose.yml"
#: One half-closed connection is a lot where the others have none.
THRESHOLDS = {**HOWEVER_LITTLE_CPU, "fleet_close_wait": 1, "fleet_hosts": 5}
ANSWERS = {"closewait_allow": "invasive", "closewait_window": 1.0, "closewait_thresholds": THRESHOLDS}
#: Quicker, where the evidence of other rules does not matter.
FEW = {**ANSWERS, "closewait_gather_subset": ["tcp", "cpu"]}
FOUND: dict[str, list[str]] = {SPINNING: ["half_closed_spin"], **{name: [] for name in CALM}}


def found(outcome: Outcome) -> dict[str, list[str]]:
    """Per host the ids of its findings, as the job has published them."""
    hosts = outcome.published["closewait_diagnosis"]["hosts"]
    return {name: [finding["id"] for finding in host["findings"]] for name, host in hosts.items()}


def together(outcome: Outcome) -> list[str]:
    """Ids of what only several hosts show, but for CPU use: how much the program gets is up to the machine."""
    ids = [finding["id"] for finding in outcome.published["closewait_diagnosis"]["fleet"]["findings"]]
    return [name for name in ids if name != "cpu_outliers"]


def test_a_job_finds_publishes_and_tells(tmp_path: Path, project: Path, hosts: Hosts) -> None:
    outcome = job(tmp_path / "job", project, DIAGNOSE, hosts, ANSWERS).run()
    assert outcome.status == "successful", outcome.output
    assert found(outcome) == FOUND
    assert together(outcome) == ["close_wait_outliers"]
    assert outcome.published["closewait_plan"]["allow"] == "invasive"
    written = json.loads((project / "closewait-report" / "diagnosis.json").read_text())
    assert outcome.published["closewait_diagnosis"] == written
    assert json.loads(outcome.published["closewait_handed_over"])["diagnosis"] == written
    looked = [event for event in outcome.events("runner_on_ok") if event["task"] == "Gather the evidence"]
    assert sorted(event["host"] for event in looked) == sorted(hosts)
    assert not any(event["res"].get("changed") for event in outcome.events("runner_on_ok"))
    assert "half_closed_spin" in outcome.output


def test_over_the_mesh_it_is_the_same(tmp_path: Path, project: Path, hosts: Hosts) -> None:
    outcome = job(tmp_path / "job", project, DIAGNOSE, hosts, FEW).over_the_mesh(tmp_path / "mesh")
    assert outcome.status == "successful"
    assert found(outcome) == FOUND
    assert together(outcome) == ["close_wait_outliers"]
    assert len(outcome.events("runner_on_start")) == len(outcome.events("runner_on_ok"))


def test_each_slice_is_right_about_its_hosts_and_says_nothing_of_the_others(
    tmp_path: Path, project: Path, hosts: Hosts
) -> None:
    parts = [sliced(hosts, number, 2) for number in (1, 2)]
    assert [sorted(part) for part in parts] == [["worker1", "worker3", "worker5"], ["worker2", "worker4", "worker6"]]
    for number, part in enumerate(parts):
        outcome = job(tmp_path / f"job{number}", project, DIAGNOSE, part, FEW).run()
        assert outcome.status == "successful", outcome.output
        assert found(outcome) == {name: FOUND[name] for name in part}
        # Three hosts are too few to tell an outlier.
        assert together(outcome) == []


def _hostile(mark: Path) -> str:
    return f"{{{{ lookup('ansible.builtin.pipe', 'touch {mark}') }}}}"


@pytest.mark.parametrize("variable", ["closewait_allow", "closewait_verify_commands"])
def test_an_answer_is_data(tmp_path: Path, project: Path, hosts: Hosts, variable: str) -> None:
    mark = tmp_path / "mark"
    calm = {CALM[0]: hosts[CALM[0]]}
    outcome = job(tmp_path / "job", project, "playbooks/remediate.yml", calm, {variable: _hostile(mark)}).run()
    assert outcome.status == "failed"
    assert not mark.exists()
    assert "Traceback" not in outcome.output


def test_it_is_the_mark_of_awx_that_makes_it_data(tmp_path: Path, project: Path, hosts: Hosts) -> None:
    mark = tmp_path / "mark"
    made = job(tmp_path / "job", project, DIAGNOSE, {CALM[0]: hosts[CALM[0]]}, FEW)
    (made.folder / "env" / "extravars").write_text(yaml.safe_dump({"closewait_allow": _hostile(mark)}))
    made.run()
    assert mark.exists()


def test_the_collection_is_found_though_it_is_installed_nowhere() -> None:
    folders = [Path(folder).expanduser() for folder in COLLECTIONS.split(":")]
    assert [folder for folder in folders if (folder / "ansible_collections" / "closewait").exists()] == []
