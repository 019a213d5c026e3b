# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registration that outlived its number."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, only

ID = "ghost_registration_spin"
GEVENT = make.runtime(loops=("gevent 24.11.1",), role="celery-gevent")


def haunted(*suspects: make.Fact, **changed: Any) -> make.Fact:
    return make.worker(tcp=make.tcp(watchers=make.watchers(*suspects)), **changed)


def test_the_holder_is_the_target_never_the_watcher() -> None:
    finding = only(ask(ID, haunted(make.ghost())))
    assert finding["confidence"] == "proven"
    assert finding["process"] is not None
    assert finding["process"]["pid"] == make.PID
    [close] = finding["remedy"]
    assert close["action"] == "fd_close"
    [target] = close["vars"]["targets"]
    assert (target["pid"], target["start_time"], target["ghost"]) == (make.CHILD, make.CHILD_BORN, True)
    assert finding["evidence"]["ghosts"][0]["number_now"] == {"inode": 7740000, "link": "socket:[7740000]"}


def test_every_holder_has_to_let_go() -> None:
    holders = [make.holder(make.CHILD, make.CHILD_BORN, 61), make.holder(20700, 889500, 17)]
    [close] = only(ask(ID, haunted(make.ghost(holders=holders))))["remedy"]
    assert [(target["pid"], target["fd"]) for target in close["vars"]["targets"]] == [(make.CHILD, 61), (20700, 17)]


def test_half_closed_ghost_has_a_cause() -> None:
    finding = only(ask(ID, haunted(make.ghost(socket=make.watched()))))
    assert [remedy["action"] for remedy in finding["remedy"]] == ["redis_timeout", "fd_close"]


HEALTHY = {
    "sleeping child that inherited the parent's epoll set": haunted(make.ghost(), cpu=make.cpu(make.sleeping())),
    "edge-triggered": haunted(make.ghost(events=make.IN | make.EDGE)),
    "live connection of a child, nothing to read": haunted(make.ghost(socket=make.watched("ESTABLISHED", recv_q=0))),
    "an own registration": haunted(make.watcher()),
}


@pytest.mark.parametrize("facts", HEALTHY.values(), ids=HEALTHY)
def test_no_finding(facts: make.Fact) -> None:
    assert ask(ID, facts) == ([], [])


def test_busy_child_that_lists_the_parents_ghost_as_its_own() -> None:
    of_child = make.watcher(pid=make.CHILD, start_time=make.CHILD_BORN, socket={"state": "CLOSE"})
    busy = make.process(make.CHILD, make.CHILD_BORN, ppid=make.PID)
    facts = haunted(make.ghost(), of_child, cpu=make.cpu(make.process(), busy))
    assert [f["process"]["pid"] for f in ask(ID, facts).findings if f["process"]] == [make.PID]
    assert ask("half_closed_spin", facts).findings == []


@pytest.mark.parametrize(
    ("suspect", "says"),
    [
        (make.ghost(holders=[]), "no process was found that holds the socket"),
        (make.ghost(holders=[make.holder(fd=80), make.holder(make.CHILD, make.CHILD_BORN)]), "under another number"),
        (make.ghost(socket=None), "not known to be half-closed"),
        (make.ghost(socket=make.watched("ESTABLISHED", recv_q=6)), "not known to be half-closed"),
        (
            make.ghost(events=make.OUT, socket=make.watched("ESTABLISHED", recv_q=0)),
            "the holder may need the socket",
        ),
    ],
)
def test_restart_where_no_holder_may_be_touched(suspect: make.Fact, says: str) -> None:
    finding = only(ask(ID, haunted(suspect)))
    remedy = finding["remedy"][-1]
    assert remedy["action"] == "worker_restart"
    assert remedy["vars"]["pid"] == make.PID
    assert says in remedy["why"]


@pytest.mark.parametrize(
    ("suspect", "confidence"),
    [
        (make.ghost(), "proven"),
        (make.ghost(socket=None), "suspected"),
        (make.ghost(socket=make.watched("ESTABLISHED", recv_q=6)), "likely"),
        (make.ghost(events=make.IN | make.OUT), "likely"),
    ],
)
def test_confidence(suspect: make.Fact, confidence: str) -> None:
    assert only(ask(ID, haunted(suspect)))["confidence"] == confidence


def test_gevent_watcher_is_restarted() -> None:
    finding = only(ask(ID, haunted(make.ghost(), cpu=make.cpu(make.process(runtime=GEVENT)))))
    assert finding["remedy"][-1]["action"] == "worker_restart"


def test_unread_data_of_the_holder_is_not_lost() -> None:
    facts = haunted(make.ghost(socket=make.watched()))
    facts["tcp"]["close_wait"] = make.close_wait([make.half_closed(unread_bytes=5)])
    assert "5 unread" in only(ask(ID, facts))["remedy"][-1]["why"]


@pytest.mark.parametrize(
    ("tcp", "says"),
    [
        ({"watchers": make.watchers(make.ghost(holders_omitted=9))}, "9 more holders exist"),
        (
            {
                "watchers": make.watchers(make.ghost(holders=[])),
                "unreadable": {"total": 2, "processes": [{"pid": 1, "start_time": 2, "name": "init"}], "omitted": 0},
            },
            "2 processes could not be looked into: one of them may be the holder",
        ),
    ],
)
def test_holders_that_could_not_be_seen(tcp: make.Fact, says: str) -> None:
    finding = only(ask(ID, make.worker(tcp=make.tcp(**tcp))))
    assert any(says in unknown for unknown in finding["unknowns"])


@pytest.mark.parametrize("facts", [{"tcp": None}, {"cpu": None}, {"tcp": make.tcp(watchers=None)}])
def test_a_missing_source_is_unknown(facts: make.Fact) -> None:
    outcome = ask(ID, make.worker(**facts))
    assert outcome.findings == []
    assert outcome.unknowns
