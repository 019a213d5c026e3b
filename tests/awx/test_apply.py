# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""awx/apply.yml with the real modules of awx.awx 24.6.1, against a stand-in of AWX's API."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awx.stand_in import StandIn, serving
from readme.hosts import REPOSITORY

SITE = {
    "closewait_awx_inventory": "Kilns",
    "closewait_awx_machine_credential": "Kiln keys",
    "closewait_awx_notification_url": "https://example.invalid/hook",
}


class Site:
    """An AWX that has what a site must have, and the playbook for it."""

    def __init__(self, awx: StandIn, address: str, folder: Path) -> None:
        self.awx = awx
        self.address = address
        self.folder = folder

    def apply(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the playbook; ``writes`` are those of this run."""
        self.awx.writes.clear()
        playbook = str(REPOSITORY / "awx" / "apply.yml")
        argv = [sys.executable, "-m", "ansible.cli.playbook", playbook, "-e", json.dumps(SITE), *options]
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": os.environ["CLOSEWAIT_AWX_MODULES"],
            "ANSIBLE_HOME": str(self.folder),
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "CONTROLLER_HOST": self.address,
            "CONTROLLER_OAUTH_TOKEN": "made-up",
        }
        return subprocess.run(
            argv, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=600, check=False
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    awx = StandIn()
    awx.create("inventories", {"name": "Kilns"})
    awx.create("credentials", {"name": "Kiln keys"})
    with serving(awx) as address:
        yield Site(awx, address, tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def applied(site: Site) -> Site:
    first = site.apply()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "changed=0" not in first.stdout
    return site


def named(site: Site, collection: str) -> dict[str, Any]:
    return {str(item.get("name", item.get("identifier"))): item for item in site.awx.of_kind(collection)}


def test_a_second_run_changes_nothing(applied: Site) -> None:
    again = applied.apply()
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"ok=\d+ +changed=0 +unreachable=0 +failed=0", again.stdout), again.stdout
    assert applied.awx.writes == []


def test_a_right_that_somebody_took_away_is_given_back(applied: Site) -> None:
    roles = named(applied, "workflow_job_templates")["Closewait heal"]["summary_fields"]["object_roles"]
    path = f"roles/{roles['approval_role']['id']}/teams"
    [approvers] = applied.awx.associated.pop(path)
    assert applied.apply("--start-at-task", "Give the teams their roles").returncode == 0
    assert applied.awx.writes == [f"POST /api/v2/{path}/"]
    assert applied.awx.associated[path] == [approvers]


def test_every_template_has_its_survey_inventory_and_credential(applied: Site) -> None:
    templates = named(applied, "job_templates")
    assert set(templates) == {
        f"Closewait {what}"
        for what in ("diagnose", "remediate", "remediate what was approved", "verify", "capture", "rollback")
    }
    [inventory], [credential] = applied.awx.of_kind("inventories"), applied.awx.of_kind("credentials")
    for template in templates.values():
        path = template["url"].removeprefix("/api/v2/").strip("/")
        assert template["inventory"] == inventory["id"]
        assert applied.awx.associated[f"{path}/credentials"] == [credential["id"]]
        assert applied.awx.surveys[path]["spec"]


def test_the_workflow_asks_somebody_before_anything_is_changed(applied: Site) -> None:
    nodes = named(applied, "workflow_job_template_nodes")
    order, node = ["diagnose"], nodes["diagnose"]
    while following := applied.awx.associated.get(f"workflow_job_template_nodes/{node['id']}/success_nodes"):
        [number] = following
        [node] = [item for item in nodes.values() if item["id"] == number]
        order.append(node["identifier"])
    assert order == ["diagnose", "approve", "remediate", "verify"]
    [approval] = applied.awx.of_kind("workflow_approval_templates")
    assert nodes["approve"]["unified_job_template"] == approval["id"]


def test_operators_may_not_change_hosts_by_themselves(applied: Site) -> None:
    operators = named(applied, "teams")["Closewait operators"]["id"]
    may = set()
    for collection in ("job_templates", "workflow_job_templates"):
        for name, item in named(applied, collection).items():
            for role, about in item["summary_fields"]["object_roles"].items():
                if operators in applied.awx.associated.get(f"roles/{about['id']}/teams", []):
                    may.add((name, role))
    looking = ("Closewait diagnose", "Closewait verify", "Closewait capture", "Closewait heal")
    assert may == {(name, "execute_role") for name in looking}


def test_secrets_reach_jobs_by_a_credential_type_that_hides_them(applied: Site) -> None:
    [kind] = applied.awx.of_kind("credential_types")
    secret = {field["id"] for field in kind["inputs"]["fields"] if field.get("secret")}
    assert secret == {"redis_password", "mysql_password"}
    assert kind["injectors"]["extra_vars"]["closewait_redis_password"] == "{{ redis_password }}"  # noqa: S105 - a template
