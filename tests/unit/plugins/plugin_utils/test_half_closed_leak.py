# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A leak, and pools that only look like one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, only

ID = "half_closed_leak"
LEAK = {"10": 1, "60": 3, "600": 24, "3600": 130, "21600": 40}


def holding(ages: make.Fact, others: dict[str, Any] | None = None, **row: Any) -> make.Fact:
    usual = {"oldest_s": 7100.0, "youngest_s": 4.2, **row}
    facts = {"close_wait": make.close_wait(rows=[make.by_process(ages, **usual)], **(others or {}))}
    return make.worker(tcp=make.tcp(**facts), cpu=make.cpu(make.sleeping()))


def test_growing_and_old() -> None:
    finding = only(ask(ID, holding(LEAK)))
    assert (finding["confidence"], finding["severity"]) == ("likely", "low")
    assert finding["evidence"]["close_wait_total"] == 198
    assert finding["evidence"]["peers_listed"] == {f"{make.THERE}:{make.REDIS_PORT}": 1}
    assert [remedy["action"] for remedy in finding["remedy"]] == ["advice"]
    assert f"idle for {make.TIMEOUT} s" in finding["cause"]["summary"]


HEALTHY = {
    "few idle pool entries of all ages": holding({"60": 2, "600": 3, "3600": 4, "86400": 1}),
    "a pool that idled out once": holding({"21600": 150}, oldest_s=19000.0, youngest_s=18700.0),
    "a pool that idled out across the border of two classes": holding({"600": 70, "3600": 80}, oldest_s=660.0),
    "a start-up burst, all young": holding({"10": 50, "60": 40}, oldest_s=44.0),
    "nothing old yet": holding({"10": 9, "60": 20, "600": 70}, oldest_s=590.0),
    "nothing at all": make.worker(tcp=make.tcp(close_wait=make.close_wait([], []))),
    "not accepted, so nobody's": holding(
        {"60": 1}, {"total": 301, "unaccepted": 300, "sockets": [make.half_closed(0, holders=[])]}
    ),
}


@pytest.mark.parametrize("facts", HEALTHY.values(), ids=HEALTHY)
def test_no_finding(facts: make.Fact) -> None:
    assert ask(ID, facts) == ([], [])


@pytest.mark.parametrize(
    ("limit", "severity", "restart"),
    [
        (240, "critical", True),
        (380, "high", True),
        (900, "medium", False),
        (65536, "low", False),
        (None, "medium", False),
    ],
)
def test_severity_is_the_share_of_the_fd_limit(limit: int | None, severity: str, *, restart: bool) -> None:
    finding = only(ask(ID, holding(LEAK, fd_limit=limit)))
    assert finding["severity"] == severity
    assert ("worker_restart" in [remedy["action"] for remedy in finding["remedy"]]) is restart


def test_unread_fd_limit_is_said() -> None:
    finding = only(ask(ID, holding(LEAK, fd_limit=None)))
    assert any("fd limit" in unknown for unknown in finding["unknowns"])


@pytest.mark.parametrize(
    ("ages", "youngest"), [({"60": 5, "3600": 80, "86400": 30}, 31.0), ({"3600": 60, "21600": 50, "86400": 30}, 900.0)]
)
def test_a_gap_or_an_end_of_the_growth_is_suspected_only(ages: make.Fact, youngest: float) -> None:
    assert only(ask(ID, holding(ages, youngest_s=youngest)))["confidence"] == "suspected"


@pytest.mark.parametrize(
    ("thresholds", "found"),
    [({"leak_total": 198}, 1), ({"leak_total": 199}, 0), ({"leak_age_classes": 6}, 0), ({"leak_oldest_s": 7101}, 0)],
)
def test_thresholds_are_the_callers(thresholds: dict[str, Any], found: int) -> None:
    assert len(ask(ID, holding(LEAK), **thresholds).findings) == found


def test_what_cpu_facts_know_of_the_process_is_used() -> None:
    finding = only(ask(ID, holding(LEAK)))
    assert finding["process"] is not None
    assert finding["process"]["cmdline"]
    stranger = only(ask(ID, {**holding(LEAK), "cpu": None}))
    assert stranger["process"] == {
        "pid": make.PID, "start_time": make.BORN, "name": "celery", "cmdline": [], "runtime": None, "supervisor": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tcp", "says"),
    [
        ({"close_wait": None, "errors": [{"source": "netns 7", "reason": "denied"}]}, "netns 7: denied"),
        ({"errors": [{"source": "/proc", "reason": "denied"}]}, "tcp: /proc: denied"),
        ({"close_wait": make.close_wait(unowned=20)}, "20 half-closed sockets have an owner that was not found"),
        (
            {"close_wait": make.close_wait(rows=[make.by_process({"10": 25})], by_process_omitted=4)},
            "4 processes with half-closed sockets were cut off",
        ),
    ],
)
def test_an_incomplete_look_is_unknown(tcp: make.Fact, says: str) -> None:
    outcome = ask(ID, make.worker(tcp=make.tcp(**tcp)))
    assert outcome.findings == []
    assert any(says in reason for reason in outcome.unknowns)


@pytest.mark.parametrize(
    "tcp",
    [
        {"close_wait": make.close_wait(unowned=19)},
        {"close_wait": make.close_wait(rows=[make.by_process({"10": 2})], by_process_omitted=4)},
    ],
)
def test_a_look_that_missed_too_little_to_matter(tcp: make.Fact) -> None:
    assert ask(ID, make.worker(tcp=make.tcp(**tcp))) == ([], [])
