# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sick_upstream: the facts of the rebuilt incident, and all that looks like it and is none."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _plan, _table
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Outcome
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, diagnosed, only

CAPTURED = json.loads(Path(__file__).with_name("captured").joinpath("sick_upstream.json").read_text(encoding="utf-8"))
SICK = "127.0.0.1:17803"
BOUNDS = ("0.5", "1", "2", "4", "8", "16", "32", "64")
Row = dict[str, Any]


def captured(**changed: Any) -> make.Fact:
    """The incident, with changes to its upstream."""
    facts: make.Fact = copy.deepcopy(CAPTURED)
    facts["instances"][0]["upstreams"][0].update(changed)
    return facts


def row(port: int, attempts: int, p50: float, slow: dict[str, int] | None = None, **changed: Any) -> Row:
    """A server; ``slow``: attempts from so many seconds on."""
    counts = {bound: max([n for at, n in (slow or {}).items() if float(at) >= float(bound)] or [0]) for bound in BOUNDS}
    usual = {
        "address": f"10.9.8.7:{port}",
        "server": f"10.9.8.7:{port}",
        "state": "up",
        **dict.fromkeys(("weight", "max_fails", "fail_timeout")),
        "attempts": attempts,
        "timed": attempts,
        **dict.fromkeys(("failed", "never_connected", "timed_out", "well_since"), 0),
        "slow": counts,
        "p50_s": p50,
        "p95_s": p50,
        "p99_s": p50,
    }
    return {**usual, **changed}


def of(*servers: Row, asked: bool = False, **changed: Any) -> Outcome:
    """What the rule says of an upstream with these servers."""
    attempts = sum(server["attempts"] for server in servers)
    facts = captured(servers=list(servers), attempts=attempts, **changed)
    facts["asked"] = ["app"] if asked else []
    return ask("sick_upstream", make.worker(nginx=facts))


def test_the_incident() -> None:
    finding = only(ask("sick_upstream", make.worker(nginx=captured())))
    assert finding["subject"] == f"upstream app: server {SICK}"
    assert (finding["process"], finding["confidence"], finding["severity"]) == (None, "likely", "high")
    assert finding["evidence"]["share_of_slow"] == 1.0
    assert (
        finding["evidence"]["told"][0] == f"{SICK}: 55 attempts, p50 1.91 s, p95 1.91 s, 55 failed, 5 never connected"
    )
    [remedy] = finding["remedy"]
    assert (remedy["action"], remedy["where"], remedy["risk"]) == ("nginx_upstream", make.HOST, "live")
    assert remedy["vars"]["upstreams"] == [{"name": "app", "servers": [{"address": SICK, "state": "down"}]}]
    assert remedy["vars"]["config_file"] == "/srv/edge/nginx.conf"


def test_the_process_behind_it_is_named_where_its_host_was_looked_at() -> None:
    spinner = {"pid": make.PID, "start_time": make.BORN, "fd": 7, "name": "twistd"}
    listener = {"netns": 4026532190, "address": "127.0.0.1", "port": 17803, "inode": 991, "holders": [spinner]}
    tcp = make.tcp(listeners={"sockets": [listener], "omitted": 0})
    facts = make.worker(tcp=tcp, cpu=make.cpu(make.process()), nginx=captured())
    finding = only(ask("sick_upstream", facts))
    assert (finding["confidence"], finding["evidence"]["backend_pid"]) == ("proven", make.PID)
    assert finding["cause"]["peer"] == {"address": "127.0.0.1", "port": 17803, "host": make.HOST}
    assert "never sleeps" in finding["cause"]["summary"]
    elsewhere = {**listener, "netns": 1}
    tcp = make.tcp(listeners={"sockets": [elsewhere], "omitted": 0})
    assert only(ask("sick_upstream", {**facts, "tcp": tcp}))["evidence"]["backend_pid"] is None


SLOW = {"2": 20}
SILENT = {
    "all are slow": [row(port, 40, 2.1, {"2": 40}) for port in (81, 82, 83)],
    "one slow request": [row(81, 12, 0.01, {"2": 1}, p95_s=3.0), row(82, 12, 0.01), row(83, 12, 0.01)],
    "too few attempts": [row(81, 9, 2.0, {"2": 9}), row(82, 90, 0.01)],
    "siblings with too few": [row(81, 90, 2.0, {"2": 90}), row(82, 9, 0.01)],
    "no sibling": [row(81, 90, 2.0, {"2": 90})],
    "below a second": [row(81, 90, 0.9), row(82, 90, 0.01)],
    "less than five times": [row(81, 90, 2.0, {"2": 90}), row(82, 90, 0.5, {"0.5": 45})],
    "trouble is spread": [row(81, 90, 2.0, {"2": 70}), row(82, 90, 0.01, {"2": 20})],
    "all fail": [row(port, 40, 0.01, failed=30) for port in (81, 82)],
    "the sick one is down already": [row(81, 90, 2.0, {"2": 90}, state="down"), row(82, 90, 0.01), row(83, 9, 0.01)],
    "well again": [row(81, 60, 2.0, {"2": 30}, well_since=11), row(82, 90, 0.01)],
    "no attempts": [row(81, 0, 0.0), row(82, 0, 0.0)],
}
FOUND = {
    "slow": [row(81, 10, 2.0, {"2": 10}), row(82, 10, 0.01)],
    "of four": [row(81, 25, 2.0, SLOW), *(row(port, 25, 0.01, {"1": 1}) for port in (82, 83, 84))],
    "fails fast": [row(81, 20, 0.001, failed=20), row(82, 20, 0.01)],
    "slow siblings, slower one": [
        row(81, 30, 8.2, {"8": 30}),
        row(82, 30, 1.5, {"1": 30}),
        row(83, 30, 1.5, {"1": 30}),
    ],
    "not long enough well": [row(81, 60, 2.0, {"2": 30}, well_since=9), row(82, 90, 0.01)],
    "rarely slow, some luck": [row(81, 200, 0.01, {"2": 20}, p95_s=2.0, well_since=40), row(82, 200, 0.01)],
}


@pytest.mark.parametrize("servers", SILENT.values(), ids=SILENT)
def test_silent(servers: list[Row]) -> None:
    assert of(*servers) == ([], [])


@pytest.mark.parametrize("servers", FOUND.values(), ids=FOUND)
def test_found(servers: list[Row]) -> None:
    assert only(of(*servers))["subject"] == "upstream app: server 10.9.8.7:81"


def test_what_was_not_seen_is_unknown() -> None:
    pair = [row(81, 90, 0.01), row(82, 90, 0.01)]
    assert of(*pair, unseen="its log says nothing").unknowns == ["upstream app: its log says nothing"]
    assert of(pair[0], unseen="its log says nothing") == ([], []), "a single server has no siblings to compare with"
    assert of(*pair, servers_omitted=4).unknowns == ["upstream app: 4 servers were cut off the list"]
    assert ask("sick_upstream", {**make.worker(), "nginx": None}).unknowns == ["nginx facts were not gathered"]
    broken = captured()
    broken["instances"][0].update(error="run this as root", upstreams=None)
    assert ask("sick_upstream", make.worker(nginx=broken)).unknowns == ["nginx (process 214): run this as root"]
    blind = {**make.no_nginx(), "instances": None, "errors": [{"source": "/proc", "reason": "denied"}]}
    assert ask("sick_upstream", make.worker(nginx=blind)).unknowns == [
        "nginx instances could not be read: /proc: denied"
    ]


def test_a_host_without_nginx_has_nothing_to_judge() -> None:
    assert ask("sick_upstream", make.worker()) == ([], [])


@pytest.mark.parametrize(
    ("servers", "unknown"),
    [
        ([row(81, 4, 0.01), row(82, 3, 0.01)], "only 7 attempts were made there since then"),
        ([row(81, 0, 0.01), row(82, 30, 0.01)], "10.9.8.7:81 was not tried since then"),
        ([row(81, 2, 2.0, {"2": 1}), row(82, 30, 0.01)], "10.9.8.7:81 was slow or failed in one of only 2 attempts"),
        ([row(81, 2, 0.01, failed=1), row(82, 30, 0.01)], "10.9.8.7:81 was slow or failed in one of only 2 attempts"),
        ([row(81, 0, 0.01, state="down"), row(82, 9, 0.01), row(83, 9, 0.01)], None),
        ([row(81, 5, 0.01), row(82, 9, 0.01)], None),
    ],
)
def test_somebody_waits_for_it_to_be_well(servers: list[Row], unknown: str | None) -> None:
    assert of(*servers) == ([], []), "nobody asked"
    found = of(*servers, asked=True)
    assert found.findings == []
    assert [reason for reason in found.unknowns if unknown and unknown in reason] == found.unknowns
    assert bool(found.unknowns) == bool(unknown)


def test_the_last_server_is_never_taken_out() -> None:
    finding = only(of(row(81, 30, 2.0, {"2": 30}), row(82, 30, 0.01, state="backup")))
    assert [remedy["action"] for remedy in finding["remedy"]] == ["advice"]
    twice = [row(81, 30, 2.0, {"2": 30}, server="web:81"), row(82, 30, 0.01, server="web:81"), row(83, 30, 0.01)]
    assert "stands for 2 servers" in only(of(*twice))["remedy"][0]["why"]


def test_the_plan_takes_it_out_and_that_is_the_cure() -> None:
    diagnosis = diagnosed({make.HOST: make.registered(make.worker(nginx=captured()))})
    plan = _plan.plan(diagnosis, "live")
    [action] = [action for action in plan["actions"] if action["action"] == "nginx_upstream"]
    assert (action["stage"], action["allowed"]) == ("cause", True)
    assert [entry for entry in plan["not_healed"] if entry["finding"] == "sick_upstream"] == []
    assert f"set server {SICK} of upstream app down;" in " ".join(_table.of_diagnosis(diagnosis, plan).split())
    [refused] = [
        entry for entry in _plan.plan(diagnosis, "config")["not_healed"] if entry["finding"] == "sick_upstream"
    ]
    assert "closewait_allow=live" in refused["reason"]
