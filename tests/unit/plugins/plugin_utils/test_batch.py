# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the next batch may follow."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _batch, _gathered
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Check, Result, Risk, Stage
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.plugins.plugin_utils._verdict import judge, with_reasons
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import (
    test_supervisor_rules as supervisors,
)
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import diagnosed, incident

LATER = "2026-11-02T08:24:09Z"
CURED = make.tcp(watchers=make.watchers(), close_wait=make.close_wait([], []))
CALM = make.worker(tcp=CURED, cpu=make.cpu(make.sleeping(), asked=[make.PID]))
BEFORE = diagnosed(incident())
PLAN = plan(BEFORE, "invasive")
SLOW = {"longest_task_s": 41.2}
SYMPTOMS: tuple[Stage, ...] = ("cause", "symptom", "restart")


def after(worker: Any, checks: dict[str, list[Check]] | None = None) -> Result:
    """The worker's host alone, as a batch is judged."""
    gathered = {make.HOST: _gathered.from_result(make.registered(worker, LATER), "seen")}
    mine = {**BEFORE, "hosts": {make.HOST: BEFORE["hosts"][make.HOST]}}
    return judge(mine, gathered, PLAN, checks or {}, {}, Thresholds())  # type: ignore[arg-type]


def test_a_spin_need_not_be_gone_before_it_was_dealt_with() -> None:
    assert _batch.failures(after(make.worker()), PLAN, {}, ["cause"]) == {}
    [(host, reason)] = _batch.failures(after(make.worker()), PLAN, {}, SYMPTOMS).items()
    assert host == make.HOST
    assert reason == f"process {make.PID}: half_closed_spin is found again"


def test_healed_is_healed() -> None:
    assert _batch.failures(after(CALM), PLAN, {}, SYMPTOMS) == {}


def test_what_nothing_was_to_be_done_about_is_not_held_against_it() -> None:
    document = after(make.worker())
    assert _batch.failures(document, plan(BEFORE, "config"), {}, SYMPTOMS) == {make.HOST: _batch_reason(document)}
    nothing = {**PLAN, "actions": []}
    assert _batch.failures(document, nothing, {}, SYMPTOMS) == {}  # type: ignore[arg-type]


def _batch_reason(document: Result) -> str:
    [process] = document["hosts"][make.HOST]["processes"]
    return f"process {process['pid']}: {process['reason']}"


@pytest.mark.parametrize("stages", [("cause",), SYMPTOMS])
def test_a_process_that_ended_speaks_against_going_on(stages: tuple[Stage, ...]) -> None:
    ended = make.worker(tcp=CURED, cpu=make.cpu(make.sleeping(31, 7), asked=[make.PID]))
    assert _batch.failures(after(ended), PLAN, {}, stages) == {make.HOST: f"process {make.PID}: the process has ended"}


def test_a_failed_check_speaks_against_going_on() -> None:
    checks: dict[str, list[Check]] = {make.HOST: [{"argv": ["canary"], "ok": False, "reason": "ended with 3"}]}
    assert _batch.failures(after(CALM, checks), PLAN, {}, SYMPTOMS) == {make.HOST: "canary failed: ended with 3"}


def test_a_host_that_went_dark_speaks_against_going_on() -> None:
    assert _batch.failures(after(CALM), PLAN, {make.HOST: "no route"}, ["cause"]) == {
        make.HOST: "it could not be looked at: no route"
    }


def test_something_new_speaks_against_going_on() -> None:
    fresh = {**BEFORE, "hosts": {make.HOST: {**BEFORE["hosts"][make.HOST], "findings": []}}}
    gathered = {make.HOST: _gathered.from_result(make.registered(make.worker(), LATER), "seen")}
    document = judge(fresh, gathered, PLAN, {}, {}, Thresholds())  # type: ignore[arg-type]
    assert _batch.failures(document, PLAN, {}, ["cause"])[make.HOST].startswith("new: ")


def patience(seconds: int, allow: Risk = "disruptive", **gone: Any) -> dict[str, str]:
    """What is said after the only action, which removes a cause, when supervisord has this patience then."""
    impatient = {**CALM, "supervisor": supervisors.supervisor(supervisors.daemon(supervisors.program(**SLOW)))}
    before = diagnosed({make.HOST: make.registered(impatient)})
    program = supervisors.program(**SLOW, stopwaitsecs=seconds)
    now = {**CALM, "supervisor": supervisors.supervisor(supervisors.daemon(program)), **gone}
    gathered = {make.HOST: _gathered.from_result(make.registered(now, LATER), "seen")}
    wanted = plan(before, allow)
    return _batch.failures(judge(before, gathered, wanted, {}, {}, Thresholds()), wanted, {}, ["cause"])


def test_what_is_about_no_process_has_to_be_gone_as_well() -> None:
    assert patience(600) == {}
    [reason] = patience(10).values()
    assert reason == "impatient_supervisor: it is found again"
    [unseen] = patience(600, supervisor=None).values()
    assert unseen.startswith("impatient_supervisor: ")


def test_of_other_hosts_findings_nothing_is_asked() -> None:
    elsewhere = {**PLAN, "actions": [{**action, "hosts": ["other"]} for action in PLAN["actions"]]}
    assert _batch.failures(after(make.worker()), elsewhere, {}, SYMPTOMS) == {}  # type: ignore[arg-type]
    forbidden = {**PLAN, "actions": [{**action, "allowed": False} for action in PLAN["actions"]]}
    assert _batch.failures(after(make.worker()), forbidden, {}, SYMPTOMS) == {}  # type: ignore[arg-type]


def test_why_nothing_was_tried_is_told_where_something_is_left() -> None:
    left = with_reasons(after(make.worker()), {make.HOST: "another run"})
    assert left["hosts"][make.HOST]["left_alone"] == "another run"
    assert left["not_healed"][-1] == f"{make.HOST}: nothing was tried: another run"
    healed = with_reasons(after(CALM), {make.HOST: "another run"})
    assert healed["hosts"][make.HOST]["left_alone"] is None
