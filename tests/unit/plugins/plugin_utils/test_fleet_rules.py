# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only many hosts together show: who stands out, and what they have in common."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _fleet_rules, _gathered, _table
from ansible_collections.closewait.remediation.plugins.plugin_utils._diagnosis import diagnose
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Diagnosis, Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import test_connection_explosion as crowd


def host(opened: int = 180, close_wait: int = 3, cpu_percent: float = 0.4, **changed: Any) -> make.Fact:
    """A host that is like many others."""
    tcp = make.tcp(
        established=make.established(opened=opened),
        close_wait=make.close_wait([], [], total=close_wait, **changed),
        watchers=make.watchers(),
    )
    return make.worker(tcp=tcp, cpu=make.cpu(make.sleeping(cpu_percent=cpu_percent)))


def exploding() -> make.Fact:
    """19,840 connections, as in the incident."""
    return crowd.crowded(opened=19840)


def fleet(number: int, **others: make.Fact) -> dict[str, make.Fact]:
    """Hosts that differ as hosts do, and others."""
    return {**{f"node-{index:03}": host(150 + index % 60, index % 7) for index in range(number)}, **others}


def diagnosed(hosts: Mapping[str, make.Fact | None], **thresholds: Any) -> Diagnosis:
    results = {name: facts and make.registered(facts) for name, facts in hosts.items()}
    gathered = {name: _gathered.from_result(result, "seen") for name, result in results.items()}
    return diagnose(gathered, {}, Thresholds(**thresholds))


def found(
    finding_id: str, hosts: dict[str, make.Fact | None] | dict[str, make.Fact], **thresholds: Any
) -> list[Finding]:
    diagnosis = diagnosed({**hosts}, **thresholds)
    return [finding for finding in diagnosis["fleet"]["findings"] if finding["id"] == finding_id]


def named(finding: Finding) -> list[str]:
    return [row["host"] for row in finding["evidence"]["hosts"]]


def test_every_fleet_rule_has_an_id_like_its_file() -> None:
    rules = _fleet_rules.discover()
    assert [rule.ID for rule in rules] == [rule.__name__.rpartition(".")[2] for rule in rules]  # type: ignore[attr-defined]
    assert len(rules) == 4


def test_ten_among_hundreds_that_explode_stand_out() -> None:
    guilty = {f"dispatcher-{index}": exploding() for index in range(10)}
    [finding] = found("connection_outliers", fleet(290, **guilty))
    assert sorted(named(finding)) == sorted(guilty)
    assert (finding["evidence"]["hosts_total"], finding["evidence"]["hosts_compared"]) == (10, 300)
    assert (finding["confidence"], finding["severity"]) == ("likely", "medium")
    assert finding["evidence"]["top_peers"][0]["hosts"] == 10
    assert finding["remedy"] == []


def test_busy_hosts_without_a_finding_are_only_suspected() -> None:
    [finding] = found("connection_outliers", fleet(30, gateway=host(opened=9000)))
    assert (finding["confidence"], finding["severity"], finding["host"]) == ("suspected", "low", "gateway")
    assert [remedy["action"] for remedy in finding["remedy"]] == ["advice"]


def test_half_closed_connections_and_cpu_are_compared_as_well() -> None:
    peers = [{"address": "198.51.100.9", "port": 6379, "total": 240, "unaccepted": 0}]
    [half_closed] = found("close_wait_outliers", fleet(30, odd=host(close_wait=240, by_peer=peers)))
    assert named(half_closed) == ["odd"]
    assert half_closed["evidence"]["top_peers"] == [{"peer": "198.51.100.9:6379", "total": 240, "hosts": 1}]
    [cpu] = found("cpu_outliers", fleet(30, hot=host(cpu_percent=97.0)))
    assert (named(cpu), cpu["evidence"]["unit"]) == (["hot"], "% of one CPU")


SILENT = {
    "too few hosts": {**fleet(3), "big": host(opened=20000)},
    "all are alike": fleet(50),
    "all have many": {f"n{index}": host(opened=20000 + index) for index in range(50)},
    "hosts that are all unlike": {f"n{index}": host(opened=100 * 2**index) for index in range(12)},
    "half of them": {**fleet(10), **{f"m{index}": host(opened=20000) for index in range(10)}},
    "many times nothing is still little": {**fleet(30), "some": host(opened=999)},
    "nobody": {},
}


@pytest.mark.parametrize("hosts", SILENT.values(), ids=SILENT)
def test_nobody_stands_out(hosts: dict[str, make.Fact]) -> None:
    assert found("connection_outliers", hosts) == []


def test_who_could_not_be_compared_is_named_and_not_taken_for_zero() -> None:
    blind = host()
    blind["tcp"]["established"] = None
    [finding] = found("connection_outliers", {**fleet(20), "dark": None, "blind": blind, "big": host(opened=20000)})
    assert finding["evidence"]["hosts_compared"] == 21
    assert finding["unknowns"] == ["could not be compared: blind, dark"]


def test_thresholds_can_be_set() -> None:
    hosts = fleet(30, big=host(opened=9000))
    assert found("connection_outliers", hosts, fleet_connections=9001) == []
    assert found("connection_outliers", hosts, fleet_factor=60) == []
    assert found("connection_outliers", hosts, fleet_hosts=32) == []


def test_the_same_server_behind_many_findings_is_one_finding() -> None:
    workers: dict[str, make.Fact | None] = {f"worker-{index}": make.worker() for index in range(7)}
    diagnosis = diagnosed({**workers, make.REDIS_HOST: make.server(), "lost": None})
    [finding] = diagnosis["fleet"]["findings"]
    assert (finding["id"], finding["evidence"]["finding"]) == ("common_cause", "half_closed_spin")
    assert named(finding) == sorted(workers)
    assert finding["title"] == f"half_closed_spin on 7 hosts, timeout of redis {make.THERE}:{make.REDIS_PORT}"
    assert finding["cause"]["value"] == make.TIMEOUT
    assert (finding["severity"], finding["confidence"]) == ("critical", "proven")
    assert finding["unknowns"] == ["1 hosts gave no facts, and may have it too"]
    # What is done is planned from the findings of the hosts, once.
    steps = plan(diagnosis, "invasive")
    assert [action["action"] for action in steps["actions"]].count("redis_timeout") == 1
    assert "common_cause" not in str(steps)


def test_the_same_program_is_a_reason_and_an_unknown_cause_is_none() -> None:
    [finding] = found("common_cause", {"a": exploding(), "b": exploding()})
    assert "connection_explosion on 2 hosts" in finding["title"]
    assert found("common_cause", {"a": exploding()}) == []
    lonely = {"a": make.worker(redis=None), "b": make.worker(redis=None)}
    assert found("common_cause", lonely) == []


def test_the_console_shows_the_fleet() -> None:
    diagnosis = diagnosed({**fleet(20), "big": host(opened=20000)})
    text = _table.of_diagnosis(diagnosis, plan(diagnosis, "config"))
    assert "FLEET" in text.splitlines()
    assert "1 of 21 hosts stand out by connections opened: 20,000 connections" in " ".join(text.split())
    assert "FLEET" not in _table.of_diagnosis(diagnosed({"a": host()}), plan(diagnosed({"a": host()}), "config"))


def test_the_work_grows_with_the_hosts_and_not_with_their_square() -> None:
    def seconds(number: int) -> float:
        hosts = fleet(number, **{f"x{index}": exploding() for index in range(number // 20)})
        gathered = {name: _gathered.from_result(make.registered(facts), "seen") for name, facts in hosts.items()}
        facts = {name: seen.facts for name, seen in gathered.items() if seen.facts is not None}
        findings = {name: h["findings"] for name, h in diagnose(gathered, {}, Thresholds())["hosts"].items()}
        scene = _fleet_rules.FleetScene(facts, findings, [], Thresholds())
        began = time.process_time()
        for rule in _fleet_rules.discover():
            rule.evaluate(scene)
        return time.process_time() - began

    few, many = min(seconds(100) for _turn in range(3)), min(seconds(800) for _turn in range(2))
    assert many < 8 * few * 3 + 0.05
