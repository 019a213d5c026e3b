# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pool per coroutine, and pools that only look like it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, only

ID = "connection_explosion"
HOT = tuple(make.crowded_remote(number) for number in (1, 2))
COLD = tuple(make.crowded_remote(number, idle_p50_s=24.0 + number, idle_max_s=61.0) for number in (3, 4, 5, 6))
DISPATCHERS = tuple(make.crowded_process(pid) for pid in (301, 302, 303, 304))


def crowded(
    remotes: tuple[make.Fact, ...] = HOT + COLD, processes: tuple[make.Fact, ...] = DISPATCHERS, **changed: Any
) -> make.Fact:
    tcp = make.tcp(
        established=make.established(remotes, processes, **changed), close_wait=make.close_wait([], []), watchers=None
    )
    return make.worker(tcp={**tcp, "watchers": make.watchers()}, cpu=make.cpu(make.sleeping()))


#: From the scenario: 4 processes of 31 greenlets; and a quiet burst, a shared and a bounded pool side by side.
CAPTURED = json.loads((Path(__file__).parent / "captured/connection_explosion.json").read_text())


def captured(name: str) -> make.Fact:
    tcp = make.tcp(established=CAPTURED[name], close_wait=make.close_wait([], []), watchers=make.watchers())
    return make.worker(tcp=tcp, cpu=make.cpu(make.sleeping()))


def test_the_real_incident() -> None:
    finding = only(ask(ID, captured("explosion")))
    assert finding["title"] == "4 processes dispatch hold 31 connections each to every one of 8 remotes"
    assert finding["evidence"]["hot"] == {"remotes": 2, "per_process_p50": 31, "idle_p50_s": 2.048}
    assert (finding["evidence"]["connections"], finding["evidence"]["ports_share"]) == (992, 0.0044)


def test_real_pools_that_look_similar() -> None:
    assert ask(ID, captured("healthy")) == ([], [])


def test_cold_remotes_as_high_as_hot_ones_in_many_processes() -> None:
    finding = only(ask(ID, crowded()))
    assert (finding["confidence"], finding["severity"]) == ("suspected", "medium")
    assert (finding["process"], finding["subject"]) == (None, "connections of dispatch")
    evidence = finding["evidence"]
    assert (evidence["processes"], evidence["connections"], evidence["per_remote_p50"]) == (4, 744, 31)
    assert evidence["hot"] == {"remotes": 2, "per_process_p50": 31, "idle_p50_s": 0.42}
    assert evidence["cold"] == {"remotes": 4, "per_process_p50": 31, "idle_p50_s": 28.0}
    assert {remedy["action"] for remedy in finding["remedy"]} == {"advice"}
    assert finding["cause"]["peer"]["address"] == "198.51.100.101" if finding["cause"]["peer"] else False


def idle(*remotes: make.Fact, seconds: float) -> tuple[make.Fact, ...]:
    return tuple({**row, "idle_p50_s": seconds} for row in remotes)


HEALTHY = {
    "a shared pool": crowded((), tuple(make.crowded_process(pid, p50=2, max=12) for pid in range(300, 332))),
    "a start-up burst that went quiet": crowded(idle(*HOT, *COLD, seconds=45.0)),
    "a quiet burst beside a busy program with a shared pool": crowded(
        (*idle(*HOT, *COLD, seconds=45.0), *(make.crowded_remote(n, name="web", p50=2, total=24) for n in (7, 8, 9)))
    ),
    "connections follow use": crowded((*HOT, *(make.crowded_remote(n, p50=20, idle_p50_s=24.0) for n in (3, 4)))),
    "one process": crowded(processes=DISPATCHERS[:1]),
    "two of one program and two of another": crowded(
        processes=(*DISPATCHERS[:2], *(make.crowded_process(pid, name="other") for pid in (401, 402)))
    ),
    "processes that are not alike": crowded(
        processes=tuple(make.crowded_process(pid, p50=p50) for pid, p50 in ((1, 20), (2, 60), (3, 200), (4, 700)))
    ),
    "large pools to one remote each": crowded(processes=tuple({**row, "remotes": 1} for row in DISPATCHERS)),
    "large pools that are all in use": crowded(tuple({**row, "waiting": 14} for row in HOT)),
    "remotes of one process each": crowded(tuple({**row, "processes": 1} for row in HOT + COLD)),
    "nothing at all": crowded((), ()),
}


@pytest.mark.parametrize("facts", HEALTHY.values(), ids=HEALTHY)
def test_no_finding(facts: make.Fact) -> None:
    assert ask(ID, facts) == ([], [])


@pytest.mark.parametrize(
    ("ports_used", "fds", "severity"),
    [
        (991, 204, "medium"),
        (14116, 204, "high"),
        (22586, 204, "critical"),
        (991, 2048, "high"),
        (991, 3400, "critical"),
    ],
)
def test_severity_is_what_runs_out_first(ports_used: int, fds: int, severity: str) -> None:
    remotes = ({**HOT[0], "ports_used": ports_used}, *HOT[1:], *COLD)
    processes = ({**DISPATCHERS[0], "fds": fds}, *DISPATCHERS[1:])
    finding = only(ask(ID, crowded(remotes, processes)))
    assert finding["severity"] == severity
    assert finding["evidence"]["ports_share"] == round(ports_used / 28232, 4)


def test_twenty_thousand_connections_are_a_small_part_of_the_ports() -> None:
    """32 processes with 31 greenlets and 20 backends: 992 ports per backend, not 19,840 of one range."""
    remotes = tuple(
        make.crowded_remote(number, total=992, processes=32, ports_used=992, idle_p50_s=0.3 if number < 4 else 30.0)
        for number in range(20)
    )
    processes = tuple(make.crowded_process(pid, total=620, remotes=20) for pid in range(500, 520))
    finding = only(ask(ID, crowded(remotes, processes, opened=19840, by_process_omitted=12)))
    assert finding["severity"] == "medium"
    assert finding["evidence"]["ports_share"] == 0.0351
    assert finding["title"].startswith("more than 20 processes dispatch hold 31 connections each to every one of 20")
    assert any("12 more processes" in gap for gap in finding["unknowns"])


def test_equally_busy_remotes_are_unknown_and_not_healthy() -> None:
    outcome = ask(ID, crowded(idle(*HOT, *COLD, seconds=0.5)))
    assert outcome.findings == []
    assert ["share a pool cannot be told" in reason for reason in outcome.unknowns] == [True]


def test_facts_without_connections_are_unknown() -> None:
    facts = crowded()
    facts["tcp"]["established"] = None
    facts["tcp"]["errors"] = [{"source": "connections of network namespace 1", "reason": "permission denied"}]
    outcome = ask(ID, facts)
    assert outcome.findings == []
    assert ["permission denied" in reason for reason in outcome.unknowns] == [True]


def test_many_connections_without_a_holder_are_unknown() -> None:
    assert ask(ID, crowded((), (), unowned=179)) == ([], [])
    assert ["179" in reason for reason in ask(ID, crowded((), (), unowned=180)).unknowns] == [False]


def test_thresholds_can_be_set() -> None:
    assert ask(ID, crowded(), explosion_per_remote=32).findings == []
    assert ask(ID, crowded(), explosion_processes=5).findings == []
    assert only(
        ask(ID, crowded(idle(*HOT, *COLD[:0], seconds=12.0) + COLD), explosion_hot_s=13, explosion_cold_ratio=2)
    )
