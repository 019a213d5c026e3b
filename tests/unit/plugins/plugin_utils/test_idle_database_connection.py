# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions with a database that was ended, or will be: facts captured from a real MariaDB, and what looks similar.

Captured with wait_timeout 6: *held*, idle in a transaction for 4 s; *reset*, 2 s after the server reset it; *both*,
and a second session held; *killed*, two more ended by KILL.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Diagnosis, Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _wait_timeout
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, diagnosed, only

ID = "idle_database_connection"
CAPTURED: dict[str, Any] = json.loads((Path(__file__).parent / "captured/idle_database.json").read_text())
PORT = 17300
PID = 68


def facts(name: str) -> dict[str, Any]:
    """A copy of the captured facts, to be changed at will."""
    return {**make.worker(), **copy.deepcopy(CAPTURED[name])}


def instance(host: dict[str, Any]) -> dict[str, Any]:
    """The one server in these facts."""
    [found] = host["mysql"]["instances"]
    return dict(found)


def with_instance(host: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The facts with another server."""
    host["mysql"]["instances"] = [{**instance(host), **changed}]
    return host


@pytest.mark.parametrize(
    ("name", "confidence", "severity", "cause"),
    [
        ("held", "likely", "medium", "likely"),
        ("reset", "suspected", "medium", "likely"),
        ("both", "proven", "high", "likely"),
        ("killed", "suspected", "medium", "likely"),
    ],
)
def test_each_stage_of_the_incident(name: str, confidence: str, severity: str, cause: str) -> None:
    finding = only(ask(ID, facts(name), {}))
    assert (finding["confidence"], finding["severity"]) == (confidence, severity)
    assert finding["process"] is not None
    assert finding["process"]["pid"] == PID
    assert finding["cause"]["status"] == cause
    assert (finding["cause"]["service"], finding["cause"]["setting"], finding["cause"]["value"]) == (
        "mariadb",
        "wait_timeout",
        6,
    )
    assert [remedy["action"] for remedy in finding["remedy"]] == ["mysql_timeout", "worker_restart", "advice"]


def test_what_a_reset_socket_still_tells() -> None:
    finding = only(ask(ID, facts("reset"), {}))
    [row] = finding["evidence"]["reset"]
    assert (row["fd"], row["peer"], row["silent_s"]) == (3, f"127.0.0.1:{PORT}", 8.772)
    assert "still holds a connection that MariaDB 127.0.0.1:17300" in finding["title"]
    assert any("pool_pre_ping" in unknown for unknown in finding["unknowns"])
    assert any("kept nowhere" in unknown for unknown in finding["unknowns"])
    assert finding["evidence"]["told"][0].startswith("fd 3 is in no listing; it led to 127.0.0.1:17300")


def test_a_kill_alone_is_not_the_timeout() -> None:
    host = facts("killed")
    host["tcp"]["vanished"] = make.vanished()
    finding = only(ask(ID, host, {}))
    assert (finding["confidence"], finding["severity"], finding["cause"]["status"]) == ("suspected", "low", "refuted")
    assert "killed" in finding["cause"]["summary"]
    assert [remedy["action"] for remedy in finding["remedy"]] == ["worker_restart", "advice"]


@pytest.mark.parametrize(
    ("changed", "status", "says"),
    [
        ({"wait_timeout": 60}, "refuted", "something else reset it"),
        ({"aborted_clients": 0}, "refuted", "something between them"),
        ({"uptime_s": 3}, "refuted", "started 3 s ago"),
        ({"wait_timeout": None, "error": "Access denied"}, "unknown", "closewait_mysql_username"),
    ],
)
def test_a_reset_that_the_timeout_does_not_explain(changed: dict[str, Any], status: str, says: str) -> None:
    [finding] = ask(ID, with_instance(facts("reset"), **changed), {}).findings
    assert finding["cause"]["status"] == status
    assert says in finding["cause"]["summary"]
    assert finding["confidence"] == "suspected"
    assert "mysql_timeout" not in [remedy["action"] for remedy in finding["remedy"]]


def test_a_server_on_another_host_is_found_by_its_address() -> None:
    here, there = facts("reset"), facts("reset")
    here["mysql"] = make.no_mysql()
    [socket] = here["tcp"]["vanished"]["sockets"]
    socket["local"], socket["remote"] = make.endpoint((make.HERE, 48682)), make.endpoint((make.THERE, PORT))
    with_instance(there, address="0.0.0.0", listening=[make.endpoint(("0.0.0.0", PORT))])  # noqa: S104 - as it is bound
    there["tcp"]["addresses"] = ["127.0.0.1", make.THERE]
    there["tcp"]["vanished"] = make.vanished()
    finding = only(ask(ID, here, {make.REDIS_HOST: there}))
    assert finding["cause"]["peer"] == {"address": make.THERE, "port": PORT, "host": make.REDIS_HOST}
    assert finding["remedy"][0]["where"] == make.REDIS_HOST


def elsewhere(port: int) -> dict[str, Any]:
    """A connection that was reset and led to a host that nobody looked at."""
    host = facts("reset")
    host["mysql"] = make.no_mysql()
    host["tcp"]["vanished"]["sockets"][0]["remote"] = make.endpoint(("203.0.113.9", port))
    return host


def test_the_usual_port_alone_makes_it_suspected() -> None:
    finding = only(ask(ID, elsewhere(3306), {}))
    assert (finding["confidence"], finding["severity"], finding["cause"]["status"]) == ("suspected", "low", "unknown")
    assert any("by its port alone" in unknown for unknown in finding["unknowns"])


@pytest.mark.parametrize(
    "healthy",
    [
        lambda: elsewhere(5999),
        lambda: with_instance(facts("held"), wait_timeout=28800),
        lambda: with_instance(facts("held"), held=[]),
        make.worker,
        make.server,
    ],
    ids=["reset by a stranger", "a transaction that is young", "an idle pool", "no database", "no client"],
)
def test_what_looks_similar_and_is_none(healthy: Callable[[], dict[str, Any]]) -> None:
    outcome = ask(ID, healthy(), {})
    assert (outcome.findings, outcome.unknowns) == ([], [])


def test_a_client_on_another_host_is_a_subject() -> None:
    host = facts("held")
    held = [{**instance(host)["held"][0], "client": None, "host": "203.0.113.7"}]
    finding = only(ask(ID, with_instance(host, held=held), {}))
    assert finding["process"] is None
    assert finding["subject"] == f"app@203.0.113.7 on MariaDB 127.0.0.1:17300 on {make.HOST}"
    assert [remedy["action"] for remedy in finding["remedy"]] == ["mysql_timeout", "advice"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda host: host["tcp"].update(vanished=None), "tcp vanished could not be read"),
        (lambda host: host["tcp"].update(vanished=make.vanished(unasked=2)), "2 sockets are in no listing"),
        (lambda host: host["tcp"].update(vanished=make.vanished(omitted=7)), "7 connections that ended"),
        (lambda host: with_instance(host, error="Access denied", held=None), "could not be asked: Access denied"),
        (lambda host: with_instance(host, held=None), "PROCESS"),
        (
            lambda host: host.update(mysql={"errors": [make_error()], "instances": None, "omitted": 0}),
            "mysql: /proc: gone",
        ),
    ],
)
def test_what_could_not_be_seen_is_unknown(spoil: Callable[[dict[str, Any]], object], says: str) -> None:
    host = with_instance(facts("held"), held=[])
    spoil(host)
    outcome = ask(ID, host, {})
    assert outcome.findings == []
    assert any(says in unknown for unknown in outcome.unknowns), outcome.unknowns


def make_error() -> dict[str, str]:
    """A source that could not be read."""
    return {"source": "/proc", "reason": "gone"}


@pytest.mark.parametrize(
    ("changed", "seconds"),
    [
        # 120.8 connections free less 2; one session ended in 100 s, so each stays 11880 s longer at most.
        ({"aborted_clients": 1, "uptime_s": 100}, 6 + 11880),
        ({"aborted_clients": 0}, 604800),
        ({"aborted_clients": 1, "uptime_s": 9_000_000}, 604800),
        ({"aborted_clients": 1000, "uptime_s": 10}, None),
        ({"most_connected": 121}, None),
        ({"wait_timeout": 604800}, None),
        ({"max_connections": None}, None),
    ],
)
def test_the_longest_timeout_that_leaves_room(changed: dict[str, Any], seconds: int | None) -> None:
    server = instance(with_instance(facts("both"), **changed))
    assert _wait_timeout.safe_timeout(server, Thresholds()) == seconds  # type: ignore[arg-type]


def plan_of(name: str, **changed: Any) -> Any:
    """The plan for a captured stage."""
    diagnosis: Diagnosis = diagnosed({make.HOST: make.registered(with_instance(facts(name), **changed))})
    return _plan.plan(diagnosis, "disruptive")


def test_the_plan_is_the_server_first_and_then_the_worker() -> None:
    plan = plan_of("both")
    assert [(action["action"], action["stage"]) for action in plan["actions"]] == [
        ("mysql_timeout", "cause"),
        ("worker_restart", "restart"),
    ]
    assert plan["actions"][0]["vars"]["unix_socket"] == "/srv/db/sock"
    assert plan["actions"][1]["vars"] == {
        "pid": PID,
        "start_time": CAPTURED["both"]["tcp"]["vanished"]["sockets"][0]["holders"][0]["start_time"],
    }
    assert "heals nothing" in plan["actions"][1]["why"]


def test_findings_say_the_same_at_two_looks() -> None:
    found: list[Finding] = ask(ID, facts("both"), {}).findings + ask(ID, facts("both"), {}).findings
    assert found[0] == found[1]
