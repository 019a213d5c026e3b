# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Healed, or only quiet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _gathered, _verdict
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Check, Finding, Result, Risk
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.plugins.plugin_utils._verdict import judge
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import diagnosed, incident

GEVENT = make.runtime(loops=("gevent 24.11.1",), role="celery-gevent")
LATER = "2026-11-02T08:24:09Z"
CURED = make.tcp(watchers=make.watchers(), close_wait=make.close_wait([], []))
NO_TIMEOUT = make.server(redis=make.redis(make.instance(timeout=0)))


def calm(**changed: Any) -> make.Fact:
    """The worker after its cure: alive, asleep, and asked about by pid."""
    return make.worker(tcp=CURED, cpu=make.cpu(make.sleeping(), asked=[make.PID]), **changed)


def judged(
    worker: Any,
    server: Any = NO_TIMEOUT,
    before: dict[str, Any] | None = None,
    allow: Risk = "invasive",
    checks: dict[str, list[Check]] | None = None,
) -> Result:
    earlier = diagnosed(incident() if before is None else before)
    now = {make.HOST: worker, make.REDIS_HOST: server}
    results = {host: facts if facts is None else make.registered(facts, LATER) for host, facts in now.items()}
    gathered = {host: _gathered.from_result(result, "seen") for host, result in results.items()}
    return judge(earlier, gathered, plan(earlier, allow), checks or {}, {}, Thresholds())


def verdict(worker: Any, **changed: Any) -> tuple[str, bool, str]:
    [process] = judged(worker, **changed)["hosts"][make.HOST]["processes"]
    return process["verdict"], process["healed"], process["reason"]


def test_healed() -> None:
    result = judged(calm())
    assert result["healed"] is True
    assert result["not_healed"] == []
    [process] = result["hosts"][make.HOST]["processes"]
    assert process["verdict"] == "healed"
    assert (process["cpu_percent_before"], process["cpu_percent_now"]) == (88.0, 0.4)
    assert list(result["hosts"]) == [make.HOST]


def test_still_spinning_on_the_same_registration() -> None:
    assert verdict(make.worker())[:2] == ("still_spinning", False)


def test_still_spinning_for_another_reason() -> None:
    stale = make.tcp(watchers=make.watchers(make.watcher(events=make.OUT, socket=make.watched("ESTABLISHED"))))
    assert verdict(make.worker(tcp=stale))[0] == "worse"
    nothing_seen = verdict(make.worker(tcp=CURED))
    assert nothing_seen[:2] == ("still_spinning", False)
    assert "for a reason that no rule finds" in nothing_seen[2]


def test_busy_with_its_own_work_is_healed() -> None:
    assert verdict(make.worker(tcp=CURED, cpu=make.cpu(make.honest())))[:2] == ("healed", True)


def test_busy_for_too_short_to_tell_is_not_healed() -> None:
    short = make.cpu(make.honest(), window_s=1.0)
    assert verdict(make.worker(tcp=CURED, cpu=short))[:2] == ("could_not_look", False)


BLIND = make.worker(tcp=make.tcp(close_wait=None, watchers=None, errors=[{"source": "/proc", "reason": "denied"}]))


@pytest.mark.parametrize(("before", "now"), [(BLIND, BLIND), (calm(), BLIND), (calm(), None), (BLIND, None)])
def test_a_host_that_could_not_be_looked_at_is_not_healed(before: Any, now: Any) -> None:
    result = judged(now, before={make.HOST: make.registered(before)})
    assert result["healed"] is False
    lines = [line for line in result["not_healed"] if line.startswith(make.HOST)]
    assert [line.startswith(f"{make.HOST}: not known, could not look: ") for line in lines] == [True]


def test_a_host_that_was_unknown_and_is_known_healthy_now() -> None:
    assert judged(calm(), before={make.HOST: make.registered(BLIND)})["healed"] is True


def test_a_host_that_was_unknown_and_spins_now() -> None:
    result = judged(make.worker(), before={make.HOST: make.registered(BLIND)})
    assert "new since the diagnosis" in result["not_healed"][0]


def test_a_host_that_was_healthy_and_spins_now() -> None:
    result = judged(make.worker(), before={make.HOST: make.registered(calm())})
    assert "new since the diagnosis" in result["not_healed"][0]


@pytest.mark.parametrize(("timeout", "lines"), [(make.TIMEOUT, 0), (0, 0), (5, 1), (None, 1)])
def test_healed_without_a_known_cause_may_return(timeout: int | None, lines: int) -> None:
    server = make.registered(make.server(redis=make.redis(make.instance(timeout=timeout))))
    result = judged(calm(), before={**incident(), make.REDIS_HOST: server})
    assert result["healed"] is True
    assert len(result["may_return"]) == lines


def test_a_host_that_was_unreachable_before_and_after() -> None:
    earlier = diagnosed({"cellar": {"unreachable": True, "msg": "no route"}})
    assert judge(earlier, {}, None, {}, {}, Thresholds())["not_healed"] == [
        "cellar: not known, could not look: cellar: it was not looked at again"
    ]


def test_gone_is_not_healed() -> None:
    dead = make.worker(tcp=CURED, cpu=make.cpu(make.sleeping(31, 7), asked=[make.PID]))
    assert verdict(dead) == ("gone", False, "the process has ended")
    assert judged(dead)["healed"] is False


def test_gone_by_plan_is_healed() -> None:
    dead = make.worker(tcp=CURED, cpu=make.cpu(make.sleeping(31, 7), asked=[make.PID]))
    before = incident(cpu=make.cpu(make.process(runtime=GEVENT)))
    assert verdict(dead, before=before, allow="disruptive")[:2] == ("gone", True)
    assert verdict(dead, before=before, allow="invasive")[:2] == ("gone", False)


def test_another_process_of_the_same_pid_is_not_the_one() -> None:
    reused = make.worker(tcp=CURED, cpu=make.cpu(make.sleeping(make.PID, make.BORN + 9), asked=[make.PID]))
    assert verdict(reused)[0] == "gone"


def test_a_host_that_was_started_again() -> None:
    earlier = diagnosed(incident())
    earlier["hosts"][make.HOST]["boot_id"] = "another"
    gathered = {make.HOST: _gathered.from_result(make.registered(calm(), LATER), "seen")}
    [process] = judge(earlier, gathered, None, {}, {}, Thresholds())["hosts"][make.HOST]["processes"]
    assert (process["verdict"], process["reason"]) == ("gone", "the host was started again since")


@pytest.mark.parametrize(
    ("worker", "says"),
    [
        (None, "no result was registered"),
        (make.worker(tcp=CURED, cpu=None), "CPU use could not be measured"),
        (make.worker(tcp=CURED, cpu=make.cpu(processes=None)), "CPU use could not be measured"),
        (make.worker(tcp=CURED, cpu=make.cpu(make.process(threads=2, hottest_thread=None))), "threads of process"),
        (make.worker(tcp=CURED, cpu=make.cpu(make.process(5, 5), omitted=2)), "is not among the 1 busiest"),
        # Calm or dead: nobody asked about this pid, and nothing else shows it.
        (make.worker(tcp=CURED, cpu=make.cpu(make.sleeping(5, 5))), "whether it still lives is not known"),
    ],
)
def test_could_not_look_is_not_healed(worker: Any, says: str) -> None:
    answer = verdict(worker)
    assert answer[:2] == ("could_not_look", False)
    assert says in answer[2]
    assert judged(worker)["healed"] is False


@pytest.mark.parametrize(
    "tcp",
    [
        make.tcp(watchers=make.watchers()),
        {
            **CURED,
            "listeners": {
                "sockets": [
                    {"netns": 1, "address": "::", "port": 1, "inode": 4, "holders": [make.holder(fd=3)]},
                ],
                "omitted": 0,
            },
        },
    ],
)
def test_sockets_show_that_an_unmeasured_process_lives(tcp: make.Fact) -> None:
    assert verdict(make.worker(tcp=tcp, cpu=make.cpu(make.sleeping(5, 5))))[:2] == ("healed", True)


def test_worse() -> None:
    answer = verdict(make.worker(tcp=make.tcp(watchers=make.watchers(make.watcher(), make.ghost()))))
    assert answer[:2] == ("worse", False)
    assert "ghost_registration_spin" in answer[2]


def test_new_findings_of_other_processes() -> None:
    other = make.watcher(pid=31, start_time=7, holders=[make.holder(31, 7)])
    facts = make.worker(
        tcp=make.tcp(watchers=make.watchers(other)),
        cpu=make.cpu(make.process(31, 7), make.sleeping(), asked=[make.PID]),
    )
    result = judged(facts)
    assert result["healed"] is False
    assert result["hosts"][make.HOST]["new"][0]["process"]["pid"] == 31  # type: ignore[index]
    assert any("new since the diagnosis" in line for line in result["not_healed"])


@pytest.mark.parametrize(
    ("server", "verdict_", "healed"),
    [
        (NO_TIMEOUT, "removed", True),
        (make.server(), "still_there", False),
        (make.server(redis=make.redis(make.instance(timeout=None, error="NOPERM"))), "could_not_look", False),
        (make.server(redis=make.no_redis()), "could_not_look", False),
        (None, "could_not_look", False),
    ],
)
def test_the_cause_has_to_go_as_well(server: Any, verdict_: str, *, healed: bool) -> None:
    result = judged(calm(), server)
    [cause] = result["causes"]
    assert (cause["verdict"], cause["host"], cause["before"]) == (verdict_, make.REDIS_HOST, make.TIMEOUT)
    assert result["healed"] is healed


def test_a_cause_of_two_findings_is_judged_once() -> None:
    both = make.tcp(watchers=make.watchers(make.watcher(), make.ghost(socket=make.watched())))
    assert len(judged(calm(), before=incident(tcp=both))["causes"]) == 1


def leaking(fd_limit: int = 4096) -> make.Fact:
    row = make.by_process({"10": 5, "600": 20, "3600": 30}, oldest_s=3000.0, youngest_s=2.0, fd_limit=fd_limit)
    return make.worker(
        tcp=make.tcp(close_wait=make.close_wait(rows=[row]), watchers=make.watchers()),
        cpu=make.cpu(make.sleeping(), asked=[make.PID]),
    )


def test_a_leak_that_goes_on() -> None:
    before = {make.HOST: make.registered(leaking()), make.REDIS_HOST: make.registered(make.server())}
    assert verdict(leaking(), before=before)[:2] == ("not_healed", False)
    assert verdict(calm(), before=before)[:2] == ("healed", True)
    unlisted = make.worker(tcp=make.tcp(close_wait=None), cpu=make.cpu(make.sleeping()))
    assert verdict(unlisted, before=before)[0] == "could_not_look"


def test_the_timeout_behind_a_leak_is_context_not_a_cause_to_remove() -> None:
    before = {make.HOST: make.registered(leaking()), make.REDIS_HOST: make.registered(make.server())}
    assert judged(calm(), make.server(), before)["causes"] == []


@pytest.mark.parametrize("ok", [True, False])
def test_checks_decide_too(*, ok: bool) -> None:
    check: Check = {"argv": ["canary", "--now"], "ok": ok, "reason": "" if ok else "exit status 3"}
    result = judged(calm(), checks={make.HOST: [check]})
    assert result["healed"] is ok
    assert result["not_healed"] == ([] if ok else [f"{make.HOST}: canary --now failed: exit status 3"])


def test_nothing_was_wrong() -> None:
    result = judged(calm(), before={make.REDIS_HOST: make.registered(make.server())})
    assert (result["healed"], result["hosts"]) == (True, {})


def test_facts_left_over_from_the_diagnosis_show_nothing() -> None:
    earlier = diagnosed(incident())
    gathered = {make.HOST: _gathered.from_result(make.registered(calm()), "seen")}
    [process] = judge(earlier, gathered, None, {}, {}, Thresholds())["hosts"][make.HOST]["processes"]
    assert process["verdict"] == "could_not_look"
    assert process["reason"] == "the only facts of this host are those of the diagnosis itself"


def about_a_server(
    monkeypatch: pytest.MonkeyPatch, again: tuple[str, ...] = (), unknown: tuple[str, ...] = ()
) -> Result:
    """Judged after a finding about two servers of nginx; ``again``: those found now."""
    sound: Finding = {
        **diagnosed(incident())["hosts"][make.HOST]["findings"][0],
        "id": "sick",
        "process": None,
        "subject": "server a",
        "remedy": [],
    }
    found: dict[str, Finding] = {name: {**sound, "subject": name} for name in ("server a", "server b", "server c")}
    before, now = (
        diagnosed({make.HOST: make.registered(calm())}),
        diagnosed({make.HOST: make.registered(calm(), LATER)}),
    )
    before["hosts"][make.HOST]["verdict"] = "findings"
    before["hosts"][make.HOST]["findings"] = [found["server a"], found["server b"]]
    now["hosts"][make.HOST]["findings"] = [found[name] for name in again]
    now["hosts"][make.HOST]["unknown"] = [{"id": rule_id, "reason": "its log cannot be read"} for rule_id in unknown]
    monkeypatch.setattr(_verdict, "diagnose", lambda *_facts: now)
    gathered = {make.HOST: _gathered.from_result(make.registered(calm(), LATER), "seen")}
    return judge(before, gathered, None, {}, {}, Thresholds())


def test_what_is_no_process_is_healed_when_its_rule_finds_it_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    result = about_a_server(monkeypatch, again=("server b",))
    rows = result["hosts"][make.HOST]["subjects"]
    assert [(row["subject"], row["verdict"], row["healed"]) for row in rows] == [
        ("server a", "healed", True),
        ("server b", "not_healed", False),
    ]
    assert result["not_healed"] == [f"{make.HOST}: sick, server b is not healed: it is found again"]


def test_a_rule_that_could_not_look_again_heals_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = about_a_server(monkeypatch, unknown=("sick",))["hosts"][make.HOST]["subjects"]
    assert {(row["verdict"], row["reason"]) for row in rows} == {("could_not_look", "its log cannot be read")}
    assert all(row["healed"] for row in about_a_server(monkeypatch, unknown=("other",))["hosts"][make.HOST]["subjects"])


def test_the_same_rule_about_something_else_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    host = about_a_server(monkeypatch, again=("server c",))["hosts"][make.HOST]
    assert [finding["subject"] for finding in host["new"]] == ["server c"]


def _blocked() -> dict[str, Any]:
    """A node whose loop is blocked, as captured, and whose process the plan is to restart."""
    queues = json.loads((Path(__file__).with_name("captured") / "blocked_loop.json").read_text())["flood"]
    queues.update(processes=queues["processes"][:1], listeners=queues["listeners"][:1])
    tcp = {**CURED, "accept_queues": queues}
    return {make.HOST: make.registered(make.worker(tcp=tcp, cpu=make.cpu(make.sleeping())))}


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ({}, ("could_not_look", False)),
        ({make.HOST: [{"argv": ["curl"], "ok": True, "reason": ""}]}, ("gone", True)),
        ({make.HOST: [{"argv": ["curl"], "ok": False, "reason": "28"}]}, ("gone", False)),
    ],
    ids=["not tried", "answered", "not answered"],
)
def test_where_only_service_proves_it_has_to_be_tried(
    checks: dict[str, list[Check]], expected: tuple[str, bool]
) -> None:
    before = _blocked()
    [finding] = diagnosed(before)["hosts"][make.HOST]["findings"]
    assert finding["process"] is not None
    now = make.worker(tcp=CURED, cpu=make.cpu(make.sleeping(), asked=[finding["process"]["pid"]]))
    result = judged(now, before=before, allow="disruptive", checks=checks)
    [process] = result["hosts"][make.HOST]["processes"]
    assert (process["verdict"], result["healed"]) == expected
    assert ("closewait_verify_commands" in process["reason"]) is (not checks)
