# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reviewed plan is a permission, and only for what it was given for."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils import _reviewed_plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._reviewed_plan import restricted
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import diagnosed, incident


def planned(**changed: Any) -> Plan:
    return plan(diagnosed(incident(**changed)), "invasive")


def allowed(document: Plan) -> list[tuple[str, bool]]:
    return [(action["action"], action["allowed"]) for action in document["actions"]]


def test_the_same_plan_permits_itself() -> None:
    today = planned()
    document = restricted(today, copy.deepcopy(today))
    assert document == {**today, "stale": []}
    assert allowed(document) == [("redis_timeout", True), ("redis_client_kill", True), ("fd_close", True)]


def test_what_was_struck_out_is_not_done() -> None:
    reviewed = planned()
    reviewed["actions"] = [action for action in reviewed["actions"] if action["action"] != "fd_close"]
    reviewed["actions"][1]["allowed"] = False
    document = restricted(planned(), reviewed)
    assert allowed(document) == [("redis_timeout", True), ("redis_client_kill", False), ("fd_close", False)]
    assert [entry["reason"] for entry in document["not_healed"]] == [
        "redis_client_kill is not in the reviewed plan, or not allowed there",
        "fd_close is not in the reviewed plan, or not allowed there",
    ]
    assert document["stale"] == []


def test_a_permission_does_not_raise_what_this_run_allows() -> None:
    reviewed, today = planned(), plan(diagnosed(incident()), "config")
    assert allowed(restricted(today, reviewed)) == [
        ("redis_timeout", True),
        ("redis_client_kill", False),
        ("fd_close", False),
    ]


def test_another_process_with_the_pid_is_not_what_was_reviewed() -> None:
    reviewed = planned()
    for action in reviewed["actions"]:
        for target in action["vars"].get("targets", []):
            target["start_time"] += 1
        if "worker" in action["vars"]:
            action["vars"]["worker"]["start_time"] += 1
    document = restricted(planned(), reviewed)
    assert allowed(document) == [("redis_timeout", True), ("redis_client_kill", False), ("fd_close", False)]
    assert [(stale["id"], stale["reason"]) for stale in document["stale"]] == [
        ("a2", _reviewed_plan.NOBODY_ASKS),
        ("a3", _reviewed_plan.SOME_GONE.format(gone=1, count=1)),
    ]


def test_only_the_sockets_that_were_reviewed_are_closed() -> None:
    tcp = make.tcp(watchers=make.watchers(make.watcher(), make.watcher(fd=33, inode=8800033)))
    today, reviewed = planned(tcp=tcp), planned(tcp=tcp)
    [action] = [action for action in reviewed["actions"] if action["action"] == "fd_close"]
    assert len(action["vars"]["targets"]) == 2
    dropped = action["vars"]["targets"].pop()
    document = restricted(today, reviewed)
    [closing] = [action for action in document["actions"] if action["action"] == "fd_close"]
    assert closing["allowed"]
    assert dropped not in closing["vars"]["targets"]
    assert closing["vars"]["targets"] == action["vars"]["targets"]
    assert document["stale"] == []
    # The other way round: one of two that were reviewed is gone.
    stale = restricted(today=reviewed, reviewed=today)["stale"]
    assert [row["reason"] for row in stale] == [_reviewed_plan.SOME_GONE.format(gone=1, count=2)]


def test_a_setting_that_was_changed_since_is_stale() -> None:
    reviewed, healed = planned(), plan(diagnosed({make.REDIS_HOST: make.registered(make.server())}), "invasive")
    document = restricted(healed, reviewed)
    assert document["actions"] == []
    assert {stale["reason"] for stale in document["stale"]} == {_reviewed_plan.NOBODY_ASKS}
    assert [stale["action"] for stale in document["stale"]] == ["redis_timeout", "redis_client_kill", "fd_close"]


def test_a_cause_is_the_same_whoever_else_it_concerns() -> None:
    reviewed, today = planned(), planned()
    today["actions"][0]["hosts"] = [*today["actions"][0]["hosts"], "another"]
    assert allowed(restricted(today, reviewed))[0] == ("redis_timeout", True)


def test_the_worker_of_another_host_is_another_worker() -> None:
    reviewed, today = planned(), planned()
    today["actions"][1]["hosts"] = ["another"]
    assert allowed(restricted(today, reviewed))[1] == ("redis_client_kill", False)


def test_nothing_that_was_not_allowed_is_called_stale() -> None:
    reviewed = plan(diagnosed(incident()), "config")
    healed = plan(diagnosed({make.REDIS_HOST: make.registered(make.server())}), "invasive")
    assert [stale["action"] for stale in restricted(healed, reviewed)["stale"]] == ["redis_timeout"]
