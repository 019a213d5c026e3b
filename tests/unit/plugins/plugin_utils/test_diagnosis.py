# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules about all hosts."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _fleet_rules, _rules
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import diagnosed, incident

IDS = [rule.ID for rule in _rules.discover()]
DOCS = Path(__file__).resolve().parents[4] / "docs"


def test_every_rule_file_is_a_rule_and_has_a_page_and_a_row() -> None:
    rules = _rules.discover()
    assert {"ghost_registration_spin", "half_closed_leak", "half_closed_spin", "stale_watcher_spin"} <= set(IDS)
    assert [Path(str(rule.__file__)).stem for rule in rules] == IDS  # type: ignore[attr-defined]
    every = sorted([*IDS, *(rule.ID for rule in _fleet_rules.discover())])
    assert sorted(page.stem for page in (DOCS / "incidents").glob("*.md")) == every
    rows = (DOCS / "FINDINGS.md").read_text().splitlines()
    for rule_id in every:
        assert sum(row.startswith(f"| [{rule_id}](incidents/{rule_id}.md) |") for row in rows) == 1


def test_verdict_per_host() -> None:
    blind = make.registered({**make.server(), "tcp": None})
    diagnosis = diagnosed({**incident(), "attic": blind, "cellar": None})
    assert {host: entry["verdict"] for host, entry in diagnosis["hosts"].items()} == {
        make.HOST: "findings",
        make.REDIS_HOST: "healthy",
        "attic": "unknown",
        "cellar": "unknown",
    }


def test_a_host_that_was_not_looked_at_is_unknown_to_every_rule() -> None:
    host = diagnosed({"cellar": None})["hosts"]["cellar"]
    assert [entry["id"] for entry in host["unknown"]] == IDS
    assert host["errors"][0]["source"] == "seen"


def test_one_source_missing_leaves_the_others() -> None:
    no_cpu = make.cpu(processes=None, errors=[{"source": "psutil", "reason": "is missing"}])
    host = diagnosed({make.HOST: make.registered(make.worker(cpu=no_cpu))})["hosts"][make.HOST]
    assert host["verdict"] == "unknown"
    assert sorted({entry["id"] for entry in host["unknown"]}) == [
        "failing_loop",
        "ghost_registration_spin",
        "half_closed_spin",
        "stale_watcher_spin",
    ]
    assert host["errors"] == [{"source": "cpu: psutil", "reason": "is missing"}]


def test_redis_errors_alone_do_not_make_a_host_unknown() -> None:
    blind = make.redis(instances=None, errors=[{"source": "psutil", "reason": "is missing"}])
    host = diagnosed({make.REDIS_HOST: make.registered(make.server(redis=blind))})["hosts"][make.REDIS_HOST]
    assert host["verdict"] == "healthy"
    assert host["errors"] == [{"source": "redis: psutil", "reason": "is missing"}]


def test_malformed_facts_of_one_host_leave_the_others() -> None:
    facts = make.worker()
    facts["tcp"]["watchers"]["suspects"][0]["fd"] = "sixty-one"
    diagnosis = diagnosed({"mangled": make.registered(facts), **incident()})
    assert diagnosis["hosts"][make.HOST]["verdict"] == "findings"
    mangled = diagnosis["hosts"]["mangled"]
    assert mangled["verdict"] == "unknown"
    assert "watchers.suspects[0].fd should be int, not str" in mangled["errors"][0]["reason"]


@pytest.mark.parametrize("redis_hosts", [{}, {make.HOST: make.REDIS_HOST}])
def test_named_redis_host_is_per_host(redis_hosts: dict[str, str]) -> None:
    results = {**incident(), "twin": make.registered(make.server())}
    cause = diagnosed(results, redis_hosts)["hosts"][make.HOST]["findings"][0]["cause"]
    assert cause["status"] == ("proven" if redis_hosts else "unknown")


def test_findings_are_ordered_by_severity() -> None:
    leak = make.by_process({"10": 5, "600": 20, "3600": 30}, pid=9, start_time=9, oldest_s=3000.0, youngest_s=2.0)
    facts = make.worker(tcp=make.tcp(close_wait=make.close_wait(rows=[leak])))
    findings = diagnosed({make.HOST: make.registered(facts)})["hosts"][make.HOST]["findings"]
    assert [finding["severity"] for finding in findings] == ["critical", "low"]


def test_provenance_is_kept() -> None:
    host = diagnosed(incident())["hosts"][make.HOST]
    assert host["gathered_at"] == "2026-11-02T08:15:30Z"
    assert host["boot_id"] == "7d1f5c1e-0b52-4c53-9f5a-3f2f7d0f9b11"
