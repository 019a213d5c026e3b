# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which queue is an incident, and who is to blame: captured from the real one, and what looks similar and is none."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Finding, Remedy
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Outcome
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, only

ID = "blocked_accept_loop"
CAPTURED = Path(__file__).with_name("captured") / "blocked_loop.json"
ANY = "::"
THIRD_PARTY = {"address": "127.0.0.1", "port": 17770}
MASTER, WORKER = 3301, 3344


def _captured(name: str) -> make.Fact:
    """Of nginx's defaults, or of ``max_fails=0``; three Tornado nodes each."""
    queues: make.Fact = json.loads(CAPTURED.read_text())[name]
    return queues


def _one(**changed: Any) -> make.Fact:
    """A single node of the flood with its listening socket."""
    queues = _captured("flood")
    queues["processes"] = queues["processes"][:1]
    inode = queues["processes"][0]["listeners"][0]
    queues["listeners"] = [row for row in queues["listeners"] if row["inode"] == inode]
    return {**queues, **changed}


def _asked(queues: make.Fact | None, **changed: Any) -> Outcome:
    thresholds = {name: changed.pop(name) for name in list(changed) if name.startswith(("accept_", "blocked_"))}
    tcp = make.tcp(watchers=make.watchers(), close_wait=make.close_wait([], []), accept_queues=queues, **changed)
    return ask(ID, make.worker(tcp=tcp, cpu=make.cpu(make.sleeping())), **thresholds)


@pytest.mark.parametrize(
    ("name", "queue", "half_closed"), [("defaults", 0, range(10, 14)), ("flood", 129, range(270, 280))]
)
def test_the_incident_as_captured(name: str, queue: int, half_closed: range) -> None:
    captured = _captured(name)
    outcome = _asked(captured)
    assert outcome.unknowns == []
    assert {finding["process"]["pid"] for finding in outcome.findings if finding["process"]} == {
        process["pid"] for process in captured["processes"]
    }
    for finding in outcome.findings:
        assert (finding["severity"], finding["subject"]) == ("critical", None)
        assert finding["confidence"] == "proven"
        assert finding["cause"]["status"] == "proven"
        assert finding["cause"]["peer"] == {**THIRD_PARTY, "host": make.HOST}
        assert finding["evidence"]["queue"] == queue
        assert finding["evidence"]["half_closed"] in half_closed
        assert finding["process"] is not None
        assert finding["process"]["supervisor"] is not None


def test_the_remedy_is_a_new_process_and_never_a_closed_socket() -> None:
    finding = only(_asked(_one()))
    assert finding["process"] is not None
    restart = finding["remedy"][0]
    assert (restart["action"], restart["where"], restart["risk"]) == ("worker_restart", make.HOST, "disruptive")
    assert restart["vars"] == {"pid": finding["process"]["pid"], "start_time": finding["process"]["start_time"]}
    assert "129 were never accepted, which nobody can close" in restart["why"]
    assert {remedy["action"] for remedy in finding["remedy"]} == {"worker_restart", "advice"}
    assert any("max_clients" in remedy["why"] for remedy in finding["remedy"])
    assert any("service time / processes below 1" in remedy["why"] for remedy in finding["remedy"])


def _row(**changed: Any) -> Callable[[make.Fact], None]:
    return lambda queues: queues["listeners"][0].update(changed)


def _process(**changed: Any) -> Callable[[make.Fact], None]:
    return lambda queues: queues["processes"][0].update(changed)


def _waits(*waits: make.Fact) -> Callable[[make.Fact], None]:
    return _process(waits=list(waits), accepting=0, running=0, waiting=20)


def _wait(call: str, seen: int = 20, **changed: Any) -> make.Fact:
    usual = {"main_thread": True, "call": call, "wchan": "w", "protocol": None, "remote": None, "seen": seen}
    return {**usual, **changed}


def _no_overflows(queues: make.Fact) -> None:
    for row in queues["namespaces"]:
        row.update(overflows=0, drops=0, overflows_per_s=0.0, drops_per_s=0.0)


NOBODY = _row(half_closed=0, half_closed_stood=0, unaccepted=0, by_peer=[])
QUIET = {
    "a burst that was not there before": [NOBODY, _row(queue=128, queue_before=0), _no_overflows],
    "a queue that is served by now": [NOBODY, _row(queue=1, queue_before=129)],
    "somebody has to wait a little": [NOBODY, _row(queue=9, queue_before=12)],
    "overflows of another port": [NOBODY, _row(queue=3, queue_before=3)],
    "a few gave up": [_row(queue=3, queue_before=3, half_closed=9, half_closed_stood=4)],
    "it gets round to accepting": [_process(accepting=3, waiting=17)],
    "it computes": [_process(running=15, waiting=5)],
}


@pytest.mark.parametrize("changes", QUIET.values(), ids=QUIET)
def test_stays_silent(changes: list[Callable[[make.Fact], None]]) -> None:
    queues = copy.deepcopy(_one())
    for change in changes:
        change(queues)
    assert _asked(queues) == Outcome([], [])


def test_no_queue_at_all() -> None:
    assert _asked(make.no_queues()) == Outcome([], [])


STOOD = _row(queue=3, queue_before=3)
FOUND = {
    "clients gave up": ([STOOD], "critical", "proven"),
    "no room at both looks": ([NOBODY, _no_overflows], "critical", "proven"),
    "refused, and not seen before": ([NOBODY, _row(queue_before=None)], "critical", "proven"),
    "half full, and nobody gave up": ([NOBODY, _row(queue=64, queue_before=70), _no_overflows], "high", "suspected"),
    "a lock": ([_waits(_wait("futex"))], "critical", "likely"),
    "a name server": ([_waits(_wait("poll", protocol="UDP"))], "critical", "likely"),
    "now and then at work": (
        [_process(running=6, waiting=14, waits=[_wait("recvfrom", 13, protocol="TCP")])],
        "critical",
        "likely",
    ),
    "a thread is the loop": (
        [_waits(_wait("futex"), _wait("recvfrom", main_thread=False, protocol="TCP", remote=THIRD_PARTY))],
        "critical",
        "proven",
    ),
}


@pytest.mark.parametrize(("changes", "severity", "confidence"), FOUND.values(), ids=FOUND)
def test_found(changes: list[Callable[[make.Fact], None]], severity: str, confidence: str) -> None:
    queues = copy.deepcopy(_one())
    for change in changes:
        change(queues)
    finding = only(_asked(queues))
    assert (finding["severity"], finding["confidence"]) == (severity, confidence)


WORDS = {
    "all is known": ([], [], f" for {THIRD_PARTY['address']}:{THIRD_PARTY['port']}, and"),
    "a lock": ([_waits(_wait("futex"))], ["whom it waits for is not known: it is no TCP connection"], "futex (w), and"),
    "a name server": (
        [_waits(_wait("poll", protocol="UDP"))],
        ["whom it waits for is not known: it is no TCP connection"],
        "poll (UDP socket), and",
    ),
    "a connection that was gone": (
        [_waits(_wait("recvfrom", protocol="TCP"))],
        ["whom it waits for is not known"],
        "recvfrom (TCP socket), and",
    ),
    "many threads": ([_process(threads_omitted=3)], ["3 of its threads were not looked at"], ", and serves nobody"),
    "not seen before": (
        [NOBODY, _row(queue_before=None)],
        ["how long the queue has been like this is not known: it was not seen before"],
        ", and serves nobody",
    ),
    "nobody gave up": (
        [NOBODY, _row(queue=64, queue_before=70), _no_overflows],
        ["nobody has given up yet, so it may be slow and get round to them in time"],
        ", and serves nobody",
    ),
}


@pytest.mark.parametrize(("changes", "unknowns", "cause"), WORDS.values(), ids=WORDS)
def test_what_it_says(changes: list[Callable[[make.Fact], None]], unknowns: list[str], cause: str) -> None:
    queues = copy.deepcopy(_one())
    for change in changes:
        change(queues)
    finding = only(_asked(queues))
    assert finding["unknowns"] == unknowns
    assert cause in finding["cause"]["summary"]


def test_the_queue_is_told_before_and_now_and_who_was_refused() -> None:
    queues = copy.deepcopy(_one())
    first, second = only(_asked(queues))["evidence"]["told"][:2]
    assert first == "129 connections wait to be accepted (129 before), 128 may"
    assert "were refused in" in second
    for change in (NOBODY, _row(queue_before=None)):
        change(queues)
    assert "(not known before)" in only(_asked(queues))["evidence"]["told"][0]
    _no_overflows(queues)
    _row(queue_before=129)(queues)
    assert not any("refused" in line for line in only(_asked(queues))["evidence"]["told"])


def test_of_two_that_wait_the_one_that_waits_for_somebody_known_tells_the_cause() -> None:
    queues = copy.deepcopy(_one())
    known = copy.deepcopy(queues["processes"][0])
    _waits(_wait("futex"))(queues)
    queues["processes"].append({**known, "pid": known["pid"] + 1, "ppid": known["pid"]})
    assert "for 127.0.0.1:17770" in only(_asked(queues))["cause"]["summary"]


def test_one_connection_after_the_other_to_the_same_remote() -> None:
    queues = _one()
    gone, known = _wait("recvfrom", 12, protocol="TCP"), _wait("recvfrom", 8, protocol="TCP", remote=THIRD_PARTY)
    _waits(gone, known)(queues)
    finding = only(_asked(queues))
    assert finding["cause"]["peer"] == {**THIRD_PARTY, "host": make.HOST}
    assert finding["evidence"]["blocked"][0]["seen"] == 20
    assert any("12 of 20 samples" in unknown for unknown in finding["unknowns"])


def test_of_a_family_the_one_that_the_supervisor_knows_is_named() -> None:
    queues = _one()
    worker = {**queues["processes"][0], "pid": WORKER, "ppid": MASTER}
    master = {**worker, "pid": MASTER, "ppid": 1, "waits": [_wait("select")]}
    second = {**worker, "pid": WORKER + 1}
    queues["processes"] = [master, worker, second]
    finding = only(_asked(queues))
    assert finding["process"] is not None
    assert finding["process"]["pid"] == MASTER
    assert [row["pid"] for row in finding["evidence"]["blocked"]] == [WORKER, WORKER + 1]


def test_one_finding_for_a_program_with_two_ports() -> None:
    queues = _one()
    second = {**queues["listeners"][0], "inode": 5, "port": 17799}
    queues["listeners"].append(second)
    queues["processes"][0]["listeners"].append(5)
    finding = only(_asked(queues))
    assert finding["evidence"]["other_ports"] == ["127.0.0.1:17799"]


def test_many_peers_are_not_called_one() -> None:
    queues = _one()
    peers = [{"address": f"192.0.2.{n}", "half_closed": 30, "stood": 30, "unaccepted": 10} for n in range(8)]
    _row(by_peer=peers, by_peer_omitted=3)(queues)
    assert any("11 addresses" in line for line in only(_asked(queues))["evidence"]["told"])


UNKNOWN = {
    "no permission": ([_process(error="permission denied", samples=0, waits=[])], "permission denied"),
    "its loop holds them off": ([_waits(_wait("epoll_wait"))], "its own limit"),
    "nobody holds it": ([lambda queues: queues.update(processes=[], processes_omitted=7)], "7 processes"),
    "it ended": ([_process(samples=2, waiting=2)], "ended before"),
}


@pytest.mark.parametrize(("changes", "says"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_cannot_be_told_is_unknown(changes: list[Callable[[make.Fact], None]], says: str) -> None:
    queues = copy.deepcopy(_one())
    for change in changes:
        change(queues)
    outcome = _asked(queues)
    assert outcome.findings == []
    assert len(outcome.unknowns) == 1
    assert says in outcome.unknowns[0]


def test_facts_that_are_missing_or_cut_are_unknown() -> None:
    error = {"source": "sock_diag", "reason": "permission denied"}
    [unknown] = _asked(None, errors=[error]).unknowns
    assert "permission denied" in unknown
    [unknown] = ask(ID, {"cpu": make.cpu()}).unknowns
    assert "tcp facts were not gathered" in unknown
    [unknown] = _asked({**make.no_queues(), "omitted": 4}).unknowns
    assert "4 listening sockets" in unknown


@pytest.mark.parametrize(
    ("threshold", "value"), [("accept_given_up", 500), ("blocked_share", 1.1)], ids=["given up", "blocked"]
)
def test_thresholds_are_the_callers(threshold: str, value: float) -> None:
    queues = _one()
    _row(queue=3, queue_before=3)(queues)
    assert only(_asked(queues))
    assert _asked(queues, **{threshold: value}).findings == []


def _nginx(**changed: Any) -> make.Fact:
    """An nginx on the same host in front of the three nodes that tries every one of them."""
    server = {
        "state": "up",
        "weight": None,
        "max_fails": "0",
        "fail_timeout": None,
        "attempts": 300,
        "timed": 300,
        "failed": 290,
        "never_connected": 200,
        "timed_out": 290,
        "well_since": 0,
        "slow": {"1": 290},
        "p50_s": 1.0,
        "p95_s": 1.0,
        "p99_s": 1.0,
    }
    upstream = {
        "name": "flood",
        "requests": 301,
        "attempts": 900,
        "retried": 300,
        "attempts_per_request": 2.99,
        "client_gone": 0,
        "no_live_servers": 0,
        "servers": [{"address": a, "server": a, **server} for a in ("127.0.0.1:17761", "127.0.0.1:17762")],
        "servers_omitted": 0,
        "timeouts": {"proxy_next_upstream": ["error timeout"], "proxy_next_upstream_tries": ["0"]},
        "unseen": None,
        **changed,
    }
    instance = {
        "pid": 801,
        "start_time": 4,
        "netns": _one()["listeners"][0]["netns"],
        "program": "/usr/sbin/nginx",
        "config_file": "/etc/nginx/nginx.conf",
        "prefix": None,
        "changed_since_load": False,
        "error": None,
        "upstreams": [upstream],
        "upstreams_omitted": 0,
        "logs": [],
    }
    return {"errors": [], "window_s": 300.0, "since": None, "instances": [instance], "omitted": 0}


def _behind(nginx: make.Fact, others: dict[str, make.Fact] | None = None, **row: Any) -> Finding:
    queues = _one()
    _row(port=17761, **row)(queues)
    tcp = make.tcp(watchers=make.watchers(), close_wait=make.close_wait([], []), accept_queues=queues)
    return only(ask(ID, make.worker(tcp=tcp, cpu=make.cpu(make.sleeping()), nginx=nginx), others))


def _limits(finding: Finding) -> list[Remedy]:
    return [remedy for remedy in finding["remedy"] if remedy["action"] == "nginx_upstream"]


def test_a_proxy_that_floods_is_limited_before_anything_is_restarted() -> None:
    finding = _behind(_nginx())
    [limit] = _limits(finding)
    assert finding["remedy"][0] == limit
    assert (limit["where"], limit["risk"]) == (make.HOST, "config")
    assert limit["vars"] == {
        "config_file": "/etc/nginx/nginx.conf",
        "program": "/usr/sbin/nginx",
        "only": ["flood"],
        "proxy_next_upstream": ["error"],
    }
    assert "2.99 times" in limit["why"]


def test_a_proxy_on_another_host_that_gave_up() -> None:
    nginx = _nginx()
    for server in nginx["instances"][0]["upstreams"][0]["servers"]:
        server["address"] = server["address"].replace("127.0.0.1", make.HERE)
    peers = [{"address": make.THERE, "half_closed": 9, "stood": 9, "unaccepted": 0}]
    proxy = {make.REDIS_HOST: make.server(nginx=nginx)}
    at = {"address": ANY, "by_peer": peers}
    [limit] = _limits(_behind(make.no_nginx(), proxy, **at))
    assert limit["where"] == make.REDIS_HOST
    stranger = [{**peers[0], "address": "192.0.2.9"}]
    assert _limits(_behind(make.no_nginx(), proxy, **{**at, "by_peer": stranger})) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"attempts_per_request": 1.1},
        {"attempts_per_request": None},
        {"timeouts": {"proxy_next_upstream": ["error"], "proxy_next_upstream_tries": ["0"]}},
        {"timeouts": {"proxy_next_upstream": ["off"], "proxy_next_upstream_tries": ["0"]}},
        {"timeouts": {"proxy_next_upstream": ["error timeout"], "proxy_next_upstream_tries": ["1"]}},
        {"servers": []},
    ],
)
def test_a_proxy_that_does_not_is_left_alone(changed: make.Fact) -> None:
    assert _limits(_behind(_nginx(**changed))) == []


def test_another_port_or_namespace_is_not_behind_it() -> None:
    nginx = _nginx()
    nginx["instances"][0]["netns"] = 7
    assert _limits(_behind(nginx)) == []
    nginx = _nginx()
    for server in nginx["instances"][0]["upstreams"][0]["servers"]:
        server["address"] = "127.0.0.1:1776"
    assert _limits(_behind(nginx)) == []


def test_a_log_that_does_not_tell_is_said() -> None:
    finding = _behind(_nginx(unseen="no log", attempts_per_request=None))
    assert _limits(finding) == []
    assert any("no log" in unknown for unknown in finding["unknowns"])
