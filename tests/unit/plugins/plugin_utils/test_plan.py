# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings in, ordered actions out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import RISKS, ActionName, Plan, Risk
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import diagnosed, incident

GEVENT = make.runtime(loops=("gevent 24.11.1",), role="celery-gevent")


def planned(results: dict[str, Any], allow: Risk = "invasive", forbid: tuple[ActionName, ...] = ()) -> Plan:
    return plan(diagnosed(results), allow, forbid)


def steps(document: Plan) -> list[tuple[str, str, str, bool]]:
    return [(step["stage"], step["action"], step["where"], step["allowed"]) for step in document["actions"]]


def test_cause_before_symptom() -> None:
    document = planned(incident())
    assert steps(document) == [
        ("cause", "redis_timeout", make.REDIS_HOST, True),
        ("symptom", "redis_client_kill", make.REDIS_HOST, True),
        ("symptom", "fd_close", make.HOST, True),
    ]
    assert [step["id"] for step in document["actions"]] == ["a1", "a2", "a3"]
    assert document["actions"][1]["hosts"] == [make.HOST]
    assert document["forbid"] == []
    assert document["not_healed"] == []


@pytest.mark.parametrize(
    ("allow", "allowed"),
    [
        ("config", [True, False, False]),
        ("live", [True, True, False]),
        ("invasive", [True, True, True]),
        ("disruptive", [True, True, True]),
    ],
)
def test_allow(allow: Risk, allowed: list[bool]) -> None:
    document = planned(incident(), allow)
    assert [step["allowed"] for step in document["actions"]] == allowed


def test_what_is_not_allowed_is_said_only_when_nothing_else_is_tried() -> None:
    assert [entry["reason"] for entry in planned(incident(), "config")["not_healed"]] == [
        "redis_client_kill is live and only up to config is allowed; closewait_allow=live would allow it",
        "fd_close is invasive and only up to config is allowed; closewait_allow=invasive would allow it",
    ]
    assert planned(incident(), "live")["not_healed"] == []


def test_forbid() -> None:
    document = planned(incident(), "invasive", ("redis_client_kill",))
    assert [step["allowed"] for step in document["actions"]] == [True, False, True]
    assert (document["forbid"], document["not_healed"]) == (["redis_client_kill"], [])
    document = planned(incident(), "live", ("redis_client_kill",))
    assert [step["allowed"] for step in document["actions"]] == [True, False, False]
    assert [entry["reason"] for entry in document["not_healed"]] == [
        "redis_client_kill is ruled out by closewait_forbid",
        "fd_close is invasive and only up to live is allowed; closewait_allow=invasive would allow it",
    ]


def test_risks_are_ordered() -> None:
    assert RISKS == ("config", "live", "invasive", "disruptive")


def fleet(size: int, **changed: Any) -> dict[str, Any]:
    workers = {f"kiln-{n}": make.registered(make.worker(**changed)) for n in range(size)}
    # Hosts of one fleet have different addresses.
    for n, result in enumerate(workers.values()):
        result["ansible_facts"]["closewait"]["tcp"] = {
            **make.tcp(),
            "addresses": ["127.0.0.1", f"198.51.100.{100 + n}"],
        }
    return {**workers, make.REDIS_HOST: make.registered(make.server())}


def test_one_setting_for_many_hosts() -> None:
    document = planned(fleet(7))
    [setting] = [step for step in document["actions"] if step["action"] == "redis_timeout"]
    assert setting["hosts"] == [f"kiln-{n}" for n in range(7)]
    assert setting["host"] == "kiln-0"
    assert [step["action"] for step in document["actions"]] == [
        "redis_timeout",
        *["redis_client_kill"] * 7,
        *["fd_close"] * 7,
    ]
    # The same pid on every host, and still a step for each.
    kills = [step["hosts"] for step in document["actions"] if step["action"] == "redis_client_kill"]
    assert kills == [[f"kiln-{n}"] for n in range(7)]


def test_two_servers_bound_alike_in_two_namespaces_are_two_settings() -> None:
    local = ("127.0.0.1", make.REDIS_PORT)
    ends = {make.INODE: make.NETNS, 8800001: make.NETNS + 1}
    facts = make.worker(
        redis=make.redis(*(make.instance(address="*", pid=netns, netns=netns) for netns in ends.values())),
        tcp=make.tcp(
            watchers=make.watchers(
                *(
                    make.watcher(inode, socket=make.watched("CLOSE_WAIT", inode, local, netns=ends[inode]))
                    for inode in ends
                )
            ),
            close_wait=make.close_wait([make.half_closed(inode, local, netns=ends[inode]) for inode in ends]),
        ),
    )
    document = planned({make.HOST: make.registered(facts)})
    settings = [step for step in document["actions"] if step["action"] == "redis_timeout"]
    assert [step["vars"]["pid"] for step in settings] == [make.NETNS, make.NETNS + 1]


def test_targets_of_a_host_are_merged_once() -> None:
    facts = make.worker(cpu=make.cpu(make.process(), make.process(31, 7)))
    second = make.watcher(8800001, fd=12, pid=31, start_time=7, holders=[make.holder(31, 7, 12)])
    facts["tcp"]["watchers"] = make.watchers(make.watcher(), second, make.ghost(inode=8800002))
    document = planned({make.HOST: make.registered(facts), make.REDIS_HOST: make.registered(make.server())})
    [close] = [step for step in document["actions"] if step["action"] == "fd_close"]
    assert [(t["pid"], t["fd"], t["ghost"]) for t in close["vars"]["targets"]] == [
        (31, 12, False),
        (make.PID, make.FD, False),
        (make.CHILD, make.FD, True),
    ]
    assert close["findings"] == ["ghost_registration_spin", "half_closed_spin"]


def test_restart_only_without_anything_gentler() -> None:
    document = planned(incident(cpu=make.cpu(make.process(runtime=GEVENT))), "disruptive")
    assert steps(document) == [
        ("cause", "redis_timeout", make.REDIS_HOST, True),
        ("restart", "worker_restart", make.HOST, True),
    ]
    assert document["actions"][1]["vars"] == {"pid": make.PID, "start_time": make.BORN}


def test_a_restart_beside_something_gentler_is_not_planned() -> None:
    diagnosis = diagnosed(incident())
    other = diagnosed(incident(cpu=make.cpu(make.process(runtime=GEVENT))))
    [finding] = diagnosis["hosts"][make.HOST]["findings"]
    finding["remedy"].append(other["hosts"][make.HOST]["findings"][0]["remedy"][1])
    gentler = ["redis_timeout", "redis_client_kill", "fd_close"]
    assert [remedy["action"] for remedy in finding["remedy"]] == [*gentler, "worker_restart"]
    document = plan(diagnosis, "disruptive")
    assert [step["action"] for step in document["actions"]] == gentler
    # Where the gentler ones are ruled out, it is planned after all, and nothing is closed in what it ends.
    document = plan(diagnosis, "disruptive", ("redis_client_kill", "fd_close"))
    assert [step["action"] for step in document["actions"]] == ["redis_timeout", "worker_restart"]


@pytest.mark.parametrize(
    ("allow", "actions"), [("invasive", ["fd_close", "worker_restart"]), ("disruptive", ["worker_restart"])]
)
def test_nothing_is_closed_in_a_process_that_is_restarted(allow: Risk, actions: list[str]) -> None:
    facts = make.worker()
    facts["tcp"]["watchers"] = make.watchers(make.watcher(), make.ghost(inode=8800002, holders=[]))
    assert [step["action"] for step in planned({make.HOST: make.registered(facts)}, allow)["actions"]] == actions


def test_a_restart_of_one_process_is_one_action() -> None:
    facts = make.worker(cpu=make.cpu(make.process(runtime=GEVENT)))
    facts["tcp"]["watchers"] = make.watchers(make.watcher(), make.ghost(inode=8800002))
    restarts = [
        step
        for step in planned({make.HOST: make.registered(facts)}, "disruptive")["actions"]
        if step["action"] == "worker_restart"
    ]
    assert len(restarts) == 1
    assert restarts[0]["findings"] == ["ghost_registration_spin", "half_closed_spin"]


def test_advice_is_no_action() -> None:
    leak = make.by_process({"10": 5, "600": 20, "3600": 30}, oldest_s=3000.0, youngest_s=2.0)
    facts = make.worker(
        tcp=make.tcp(close_wait=make.close_wait(rows=[leak]), watchers=make.watchers()), cpu=make.cpu(make.sleeping())
    )
    document = planned({make.HOST: make.registered(facts)}, "disruptive")
    assert document["actions"] == []
    assert document["not_healed"][0]["pid"] == make.PID
    assert "nothing that could be done from outside cures it; close a connection" in document["not_healed"][0]["reason"]


@pytest.mark.parametrize(("timeout", "actions"), [(0, ["redis_client_kill", "fd_close"]), (5, ["fd_close"])])
def test_a_symptom_without_its_cause_is_said(timeout: int, actions: list[str]) -> None:
    server = make.registered(make.server(redis=make.redis(make.instance(timeout=timeout))))
    document = planned({**incident(), make.REDIS_HOST: server})
    assert [step["action"] for step in document["actions"]] == actions
    assert "the cause is not known, so it may come back" in document["not_healed"][0]["reason"]


def test_the_same_diagnosis_gives_the_same_plan() -> None:
    assert planned(fleet(4)) == planned(dict(reversed(fleet(4).items())))


def test_no_findings_no_plan() -> None:
    document = planned({make.REDIS_HOST: make.registered(make.server())})
    assert (document["actions"], document["not_healed"]) == ([], [])
