# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""failing_loop: facts of real incidents, of honest work, and one thing changed at a time."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _log_handlers
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import (
    ask,
    diagnosed,
    only,
)

#: Captured on hosts with Twisted backends; paths and uid changed, other processes left out.
CAPTURED: dict[str, make.Fact] = {
    name: {**make.no_services(), **seen, "tcp": {"accept_queues": make.no_queues(), **seen["tcp"]}}
    for name, seen in json.loads((Path(__file__).parent / "captured/failing_loop.json").read_text()).items()
}
RULE = "failing_loop"
UNCOUNTED = [{"source": "system calls", "reason": "permission denied"}]
FAILING = {"call": "openat", "errno": "ENOENT", "count": 900}
WRITE = {"call": "write", "errno": "ENOSPC", "count": 1}
FULL = {"fd": 6, "path": "/srv/loom/spool/app.log", "deleted": False, "size": 9, "free_bytes": 0, "grown": 0}
SERVER = {"listening": 1, "waiting": 7, "connected": 2, "unread": 1, "sent_ago_s": 71.5}


def facts(**changed: Any) -> make.Fact:
    """A host with a process that spins on a path that is not there, with this changed in its progress."""
    seen = make.followed(**{"calls": calls(), **changed})
    return make.worker(tcp=make.tcp(watchers=make.watchers()), progress=make.progress(seen))


def calls(*failing: make.Fact, **changed: Any) -> make.Fact:
    """System calls of a loop that never polls."""
    listed = list(failing) or [FAILING]
    usual = {"polls": [0, 0, 0, 0], "failing": [sum(call["count"] for call in listed), 0, 0, 0]}
    return make.calls(**{**usual, "failing_calls": listed, **changed})


def sockets(**changed: Any) -> make.Fact:
    """The sockets of a server that answers nobody."""
    return {"held": 3, "opened": 0, "ended": 0, "tcp": {**SERVER, **changed}}


def test_a_log_folder_that_vanished() -> None:
    finding = only(ask(RULE, CAPTURED["missing_folder"]))
    assert (finding["confidence"], finding["severity"]) == ("proven", "critical")
    assert finding["title"] == "python (30223) spins on failing calls, openat (ENOENT), and gets nothing done"
    assert finding["cause"]["status"] == "proven"
    assert "the folder /srv/loom/spool of /srv/loom/spool/app.log" in finding["cause"]["summary"]
    assert [remedy["action"] for remedy in finding["remedy"]] == ["advice", "advice"]
    assert finding["remedy"][0]["why"].startswith("make the folder /srv/loom/spool ")
    told = " ".join(finding["evidence"]["told"])
    assert "openat failed 113 times with ENOENT" in told
    assert "CPython 3.13.0 has the fix of bpo-18940" in told


def starved(cpu_percent: float, **progress: Any) -> make.Fact:
    """The same loop on a host with too little CPU: in one part of the window it got hardly any."""
    windows = [cpu_percent, cpu_percent, 0.4, cpu_percent]
    process = make.process(cpu_percent=cpu_percent, cpu_percent_windows=windows)
    return {**facts(**progress), "cpu": make.cpu(process)}


def test_a_loop_on_a_host_with_too_little_cpu_is_found_by_what_it_does_with_the_rest() -> None:
    assert only(ask(RULE, starved(33.0)))["confidence"] == "likely"


def test_one_that_got_too_little_to_show_anything_is_unknown() -> None:
    outcome = ask(RULE, starved(3.0))
    assert outcome.findings == []
    assert ["this host has too little" in reason for reason in outcome.unknowns] == [True]


def test_a_starved_process_whose_calls_do_not_fail_is_not_asked_for() -> None:
    """Else every host with more work than CPUs would be unknown."""
    outcome = ask(RULE, starved(3.0, calls=make.calls(polls=[0, 0, 0, 0])))
    assert (outcome.findings, outcome.unknowns) == ([], [])


@pytest.mark.parametrize(
    "blind",
    [
        pytest.param({"progress": make.progress(make.followed(pid=31))}, id="not followed"),
        pytest.param({"progress": make.progress(make.followed(calls=None, errors=UNCOUNTED))}, id="calls not counted"),
        pytest.param({"progress": make.progress(make.followed(calls=calls(), io=None))}, id="io not read"),
        pytest.param({"progress": make.progress(processes=None)}, id="nobody followed"),
    ],
)
def test_what_a_starved_process_did_and_nobody_saw_is_unknown_where_it_uses_cpu(blind: make.Fact) -> None:
    outcome = ask(RULE, {**starved(33.0), **blind})
    assert (outcome.findings, len(outcome.unknowns)) == ([], 1)
    assert (ask(RULE, {**starved(3.0), **blind}).findings) == []


def test_what_gets_something_done_is_not_asked_how_much_cpu_it_got() -> None:
    io = make.followed()["io"]
    outcome = ask(RULE, starved(3.0, io={**io, "bytes_written": [4096, 4096, 0, 4096]}))
    assert (outcome.findings, outcome.unknowns) == ([], [])


@pytest.mark.parametrize(("read", "parts"), [([0, 0, 383005, 0], 1), ([0, 91200, 291805, 0], 2)])
def test_a_server_that_reads_once_what_its_tracebacks_quote_gets_nothing_done(read: list[int], parts: int) -> None:
    """Captured: 78 reads in the third of four parts, while nobody was answered. They may lie across two."""
    io = {**make.followed()["io"], "bytes_read": read}
    finding = only(ask(RULE, facts(io=io, calls=calls(moved=[0, 0, 63, 0]), sockets=sockets())))
    assert finding["confidence"] == "likely"
    told = "383005 bytes read in %d of 4 windows, none written, and no connection begun" % parts
    assert told in finding["evidence"]["told"][2]


@pytest.mark.parametrize("read", [[912, 0, 383005, 0], [0, 912, 383005, 7], [7, 0, 0, 7], [5, 5, 5, 5]])
def test_a_server_that_reads_again_and_again_gets_something_done(read: list[int]) -> None:
    io = {**make.followed()["io"], "bytes_read": read}
    assert ask(RULE, facts(io=io, calls=calls(moved=[0, 0, 63, 0]), sockets=sockets())) == ([], [])


def test_a_full_disk() -> None:
    finding = only(ask(RULE, CAPTURED["full_disk"]))
    assert finding["confidence"] == "proven"
    assert finding["cause"]["summary"] == "the file system of /srv/loom/spool/app.log (fd 6) is full"
    assert finding["evidence"]["failing_calls"] == [{"call": "write", "errno": "ENOSPC", "count": 3}]
    assert "raiseExceptions" in finding["remedy"][1]["why"]


def test_nothing_is_restarted_while_the_disk_is_full() -> None:
    diagnosis = diagnosed({"loom": make.registered(CAPTURED["full_disk"])})
    todo = plan(diagnosis, "disruptive")
    assert todo["actions"] == []
    [left] = todo["not_healed"]
    assert "free space on the file system of /srv/loom/spool/app.log" in left["reason"]


@pytest.mark.parametrize("name", ["missing_folder", "full_disk"])
def test_no_other_rule_speaks(name: str) -> None:
    found = diagnosed({"loom": make.registered(CAPTURED[name])})["hosts"]["loom"]
    assert [finding["id"] for finding in found["findings"]] == [RULE]
    assert found["unknown"] == []


@pytest.mark.parametrize("name", ["missing_folder", "full_disk"])
def test_without_the_count_of_calls_it_would_be_taken_for_something_else(name: str) -> None:
    """In both a client had given up, and its connection was in the epoll set."""
    assert only(ask("half_closed_spin", {**CAPTURED[name], "progress": None}))


def test_an_honestly_busy_server_is_healthy() -> None:
    assert diagnosed({"loom": make.registered(CAPTURED["honest_server"])})["hosts"]["loom"]["verdict"] == "healthy"


def test_the_same_server_with_failing_calls_is_still_at_work() -> None:
    changed = copy.deepcopy(CAPTURED["honest_server"])
    changed["progress"]["processes"][0]["calls"]["failing_calls"] = [FAILING, WRITE]
    assert ask(RULE, changed) == ([], [])


def test_a_restart_where_nothing_stands_in_its_way() -> None:
    finding = only(ask(RULE, facts()))
    assert finding["confidence"] == "likely"
    assert finding["cause"]["status"] == "unknown"
    advice, restart = finding["remedy"]
    assert (advice["action"], restart["action"], restart["risk"]) == ("advice", "worker_restart", "disruptive")
    assert restart["vars"] == {"pid": make.PID, "start_time": make.BORN, "kill_after": 10}
    assert finding["unknowns"] == ["which path or peer the calls are about cannot be seen from outside"]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"io": make.io(bytes_written=[0, 0, 80, 0])}, id="wrote"),
        pytest.param({"io": make.io(bytes_read=[1, 0, 0, 0])}, id="read"),
        pytest.param({"sockets": {**sockets(), "opened": 1}}, id="accepted"),
        pytest.param({"sockets": {**sockets(), "ended": 1}}, id="finished"),
        pytest.param({"sockets": sockets(sent_ago_s=2.9)}, id="sent"),
        pytest.param({"files": [{**FULL, "free_bytes": 9 << 20, "grown": 40}]}, id="log grew"),
        pytest.param({"calls": calls(moved=[0, 2, 0, 0])}, id="moved data, without TCP"),
        pytest.param({"calls": calls({**FAILING, "count": 20})}, id="too few"),
        pytest.param({"calls": calls({"call": "recvfrom", "errno": "EAGAIN", "count": 90_000})}, id="usual"),
        pytest.param({"calls": calls({"call": "epoll_ctl", "errno": "EEXIST", "count": 90_000})}, id="kombu"),
        pytest.param({"calls": make.calls(polls=[0, 0, 0, 0])}, id="computes"),
    ],
)
def test_silent(changed: make.Fact) -> None:
    assert ask(RULE, facts(**changed)) == ([], [])


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"calls": calls(WRITE)}, id="one failure of the kind that work does not meet"),
        pytest.param(
            {"sockets": sockets(), "calls": calls(moved=[9, 9, 9, 9])}, id="a server that only logs to a daemon"
        ),
        pytest.param({"sockets": sockets(sent_ago_s=None)}, id="never sent"),
        pytest.param({"calls": calls(polls=[3, 3, 3, 3])}, id="fails once per round of its loop"),
    ],
)
def test_found(changed: make.Fact) -> None:
    assert only(ask(RULE, facts(**changed)))["confidence"] == "likely"


def test_the_rate_is_one_per_second_of_cpu() -> None:
    slow = facts(calls=calls({**FAILING, "count": 20}))
    slow["cpu"] = make.cpu(make.process(cpu_percent=11.0))
    assert only(ask(RULE, slow))["confidence"] == "likely"


@pytest.mark.parametrize(
    ("changed", "confidence"),
    [
        ({"files": [FULL], "calls": calls(WRITE)}, "proven"),
        ({"files": [{**FULL, "deleted": True}], "calls": calls(WRITE)}, "likely"),
        ({"files": [{**FULL, "free_bytes": None}], "calls": calls(WRITE)}, "likely"),
        ({"files": [FULL]}, "likely"),
        ({"files": [FULL], "calls": make.calls(polls=[0, 0, 0, 0])}, "suspected"),
        ({"files": [FULL], "calls": None, "errors": UNCOUNTED}, "suspected"),
        ({"io": make.io(writes=[1, 0, 2, 1]), "calls": None, "errors": UNCOUNTED}, "suspected"),
    ],
)
def test_confidence(changed: make.Fact, confidence: str) -> None:
    assert only(ask(RULE, facts(**changed)))["confidence"] == confidence


def test_a_full_disk_is_no_reason_where_another_call_fails() -> None:
    finding = only(ask(RULE, facts(files=[FULL])))
    assert finding["cause"]["status"] == "unknown"
    assert "worker_restart" in [remedy["action"] for remedy in finding["remedy"]]


@pytest.mark.parametrize("user", [88.0, 82.0])
def test_calls_that_could_not_be_counted(user: float) -> None:
    uncounted = facts(calls=None, errors=UNCOUNTED)
    uncounted["cpu"] = make.cpu(make.process(user_percent=user, system_percent=88.0 - user))
    outcome = ask(RULE, uncounted)
    assert outcome.findings == []
    assert bool(outcome.unknowns) is (user < 88.0)
    assert all("permission denied" in reason for reason in outcome.unknowns)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"progress": None}, "progress facts were not gathered"),
        ({"progress": make.progress(processes=None, errors=[{"source": "psutil", "reason": "missing"}])}, "missing"),
        ({"progress": make.progress(processes=[])}, "not among those"),
        ({"progress": make.progress(make.followed(io=None, sockets=None))}, "could not be read"),
        ({"progress": make.progress(subwindows=2)}, "too few"),
        ({"cpu": make.cpu(processes=None)}, "cpu processes could not be read"),
    ],
)
def test_unknown_is_not_healthy(changed: make.Fact, reason: str) -> None:
    outcome = ask(RULE, {**facts(), **changed})
    assert outcome.findings == []
    assert reason in outcome.unknowns[0]


def test_without_a_spinning_process_nothing_else_is_needed() -> None:
    assert ask(RULE, {**facts(), "cpu": make.cpu(make.sleeping()), "progress": None}) == ([], [])


def test_a_loop_that_polls_on_what_is_half_closed_is_for_another_rule() -> None:
    polling = make.worker(progress=make.progress(make.followed(calls=calls(WRITE, polls=[1, 0, 0, 0]))))
    assert ask(RULE, polling) == ([], [])
    assert only(ask("half_closed_spin", polling))["confidence"] == "proven"


@pytest.mark.parametrize("rule", ["half_closed_spin", "ghost_registration_spin", "stale_watcher_spin"])
def test_a_loop_that_never_polls_spins_on_no_registration(rule: str) -> None:
    """A client that gave up leaves a half-closed connection in the epoll set of a loop that is stuck elsewhere."""
    both = make.worker(progress=make.progress(make.followed(calls=calls(WRITE))))
    both["tcp"]["watchers"] = make.watchers(make.watcher(), make.watcher(events=make.OUT, inode=9), make.ghost())
    assert ask(rule, both) == ([], [])
    assert only(ask(RULE, both))["confidence"] == "likely"


@pytest.mark.parametrize("rule", ["half_closed_spin", "ghost_registration_spin", "stale_watcher_spin"])
@pytest.mark.parametrize(("moved", "silent"), [(12, True), (4, True), (2, False), (0, False)])
def test_a_busy_server_whose_waits_bring_it_work_does_not_spin(rule: str, moved: int, silent: object) -> None:
    """Seen: a Twisted server at full load, watching for room to write the answer that it was writing."""
    served = make.calls(polls=[2, 2, 2, 2], moved=[moved, 0, 0, 0])
    watcher = {
        "half_closed_spin": make.watcher(),
        "ghost_registration_spin": make.ghost(),
        "stale_watcher_spin": make.watcher(events=make.OUT, socket=make.watched("ESTABLISHED", send_q=0)),
    }[rule]
    busy = make.worker(progress=make.progress(make.followed(calls=served)))
    busy["tcp"]["watchers"] = make.watchers(watcher)
    assert (ask(rule, busy).findings == []) is silent
    assert ask(RULE, busy) == ([], [])


@pytest.mark.parametrize(
    "changed",
    [{"seconds": 0.2}, {"tids": [make.PID + 1]}, {"polls": [0, 0, 1, 0]}],
    ids=["too short", "another thread", "polls"],
)
def test_not_seen_to_poll_is_not_the_same_as_seen_not_to_poll(changed: make.Fact) -> None:
    spinning = make.worker(
        progress=make.progress(make.followed(calls=make.calls(**{"polls": [0, 0, 0, 0], **changed})))
    )
    assert only(ask("half_closed_spin", spinning))["confidence"] == "proven"


@pytest.mark.parametrize(
    ("version", "fixed"),
    [
        ("2.7.5", False),
        ("2.7.6", True),
        ("2.7.18+", True),
        ("2.6.9", False),
        ("2.7", None),
        ("3.2.6", False),
        ("3.3.2", False),
        ("3.3.3", True),
        ("3.3", None),
        ("3.4.0", True),
        ("3.13.0rc1", True),
        (None, None),
        ("", None),
    ],
)
def test_which_python_has_the_fix(version: str | None, fixed: object) -> None:
    assert _log_handlers.has_fix(version) is fixed


def test_an_old_python_is_named() -> None:
    old = facts()
    old["cpu"] = make.cpu(make.process(runtime={**make.runtime(), "version": "2.7.5"}))
    finding = only(ask(RULE, old))
    assert "CPython 2.7.5 lacks the fix of bpo-18940" in finding["evidence"]["told"][-1]
    assert "upgrade Python" in finding["remedy"][0]["why"]


def test_what_is_not_python_gets_no_advice_about_it() -> None:
    other = facts()
    other["cpu"] = make.cpu(make.process(runtime=make.runtime("node", role=None)))
    finding = only(ask(RULE, other))
    assert not any("bpo" in text for text in finding["evidence"]["told"])
    assert "logging" not in finding["remedy"][0]["why"]
