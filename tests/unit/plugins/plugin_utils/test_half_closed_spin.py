# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half-closed connection that keeps a loop spinning, and everything that only looks like it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _runtimes
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, only

ID = "half_closed_spin"
GEVENT = make.runtime(loops=("gevent 24.11.1",), role="celery-gevent")


def spin(facts: make.Fact | None = None, **changed: Any) -> Any:
    return ask(ID, make.worker() if facts is None else facts, **changed)


def with_watchers(*suspects: make.Fact, **changed: Any) -> make.Fact:
    return make.worker(tcp=make.tcp(watchers=make.watchers(*suspects)), **changed)


def actions(finding: Any) -> list[str]:
    return [remedy["action"] for remedy in finding["remedy"]]


def test_proven_with_cause_and_target() -> None:
    finding = only(spin())
    assert finding["confidence"] == "proven"
    assert finding["severity"] == "critical"
    assert finding["host"] == make.HOST
    assert finding["process"] is not None
    assert (finding["process"]["pid"], finding["process"]["start_time"]) == (make.PID, make.BORN)
    assert finding["cause"]["status"] == "proven"
    assert finding["cause"]["peer"] == {"address": make.THERE, "port": make.REDIS_PORT, "host": make.REDIS_HOST}
    assert finding["cause"]["value"] == make.TIMEOUT
    cause, gentle, symptom = finding["remedy"]
    assert (cause["action"], cause["where"], cause["risk"]) == ("redis_timeout", make.REDIS_HOST, "config")
    assert cause["vars"] == {"timeout": 0, "address": make.THERE, "port": make.REDIS_PORT, "pid": 811}
    assert (gentle["action"], gentle["where"], gentle["risk"]) == ("redis_client_kill", make.REDIS_HOST, "live")
    assert gentle["vars"] == {
        "address": make.THERE,
        "port": make.REDIS_PORT,
        "pid": 811,
        "worker": {"pid": make.PID, "start_time": make.BORN},
        "peer": {"address": make.THERE, "port": make.REDIS_PORT},
    }
    assert (symptom["action"], symptom["where"], symptom["risk"]) == ("fd_close", make.HOST, "invasive")
    assert symptom["vars"] == {
        "method": "auto",
        "targets": [
            {
                "pid": make.PID,
                "start_time": make.BORN,
                "fd": make.FD,
                "inode": make.INODE,
                "cookie": make.cookie(make.INODE),
                "peer": f"{make.THERE}:{make.REDIS_PORT}",
                "ghost": False,
            }
        ],
    }


@pytest.mark.parametrize(
    "runtime",
    [
        GEVENT,
        None,
        make.runtime(role="celery-solo"),
        make.runtime(role="celery-unknown"),
        make.runtime(role="gunicorn"),
        make.runtime(role=None),
        make.runtime(loops=("gevent 24.11.1",)),
        make.runtime(loops=("uvloop 0.21.0",)),
        make.runtime("node"),
    ],
    ids=lambda runtime: "none" if runtime is None else f"{runtime['name']} {runtime['role']} {runtime['loops']}",
)
def test_only_celery_prefork_is_disconnected(runtime: make.Fact | None) -> None:
    finding = only(spin(make.worker(cpu=make.cpu(make.process(runtime=runtime)))))
    assert "redis_client_kill" not in actions(finding)
    assert not _runtimes.reconnects(finding["process"]["runtime"] if finding["process"] else None)


@pytest.mark.parametrize(
    ("server", "offered"),
    [
        (make.instance(), True),
        # Already removed: what spins, spins on, and does not come back.
        (make.instance(timeout=0), True),
        # Something else closed, so it would be back.
        (make.instance(timeout=9000), False),
        (make.instance(timeout=None, error="NOAUTH Authentication required."), False),
    ],
    ids=["proven", "removed", "refuted", "unread"],
)
def test_disconnected_only_when_the_cause_goes(server: make.Fact, *, offered: bool) -> None:
    finding = only(spin(others={make.REDIS_HOST: make.server(redis=make.redis(server))}))
    assert ("redis_client_kill" in actions(finding)) is offered


def test_not_disconnected_from_a_server_that_was_not_looked_at() -> None:
    assert actions(only(spin(others={}))) == ["fd_close"]


def test_not_disconnected_when_a_child_holds_the_socket() -> None:
    shared = make.watcher(holders=[make.holder(), make.holder(make.CHILD, make.CHILD_BORN)])
    assert actions(only(spin(with_watchers(shared)))) == ["redis_timeout", "worker_restart"]


def test_evidence_has_the_numbers() -> None:
    evidence = only(spin())["evidence"]
    assert evidence["voluntary_per_s"] == 0.0
    assert evidence["runnable_share"] == 1.0
    assert evidence["registrations"][0]["events"] == "19"
    assert evidence["sockets"][0]["idle_at_fin_s"] == {"min": 417.9, "max": 417.9}


def test_reset_socket_whose_fd_is_still_open() -> None:
    finding = only(spin(with_watchers(make.watcher(socket={"state": "CLOSE"}))))
    assert finding["confidence"] == "proven"
    assert finding["cause"]["status"] == "unknown"
    assert actions(finding) == ["fd_close"]
    assert finding["remedy"][0]["vars"]["targets"][0]["cookie"] is None


def test_reset_socket_is_reported_whatever_was_asked_for() -> None:
    hup_only = make.watcher(events=make.ALWAYS, socket={"state": "CLOSE"})
    assert only(spin(with_watchers(hup_only)))["id"] == ID


HEALTHY = {
    "idle worker with half-closed pool entries": make.worker(
        tcp=make.tcp(watchers=make.watchers()), cpu=make.cpu(make.sleeping())
    ),
    "idle worker with a registration that has not been served yet": make.worker(cpu=make.cpu(make.sleeping())),
    "honest CPU-bound process with half-closed pool entries": make.worker(
        tcp=make.tcp(watchers=make.watchers()), cpu=make.cpu(make.honest())
    ),
    "honest process with system calls and half-closed pool entries": make.worker(
        tcp=make.tcp(watchers=make.watchers()), cpu=make.cpu(make.process())
    ),
    "honest gevent task": make.worker(
        tcp=make.tcp(watchers=make.watchers()), cpu=make.cpu(make.honest(runtime=GEVENT))
    ),
    "gevent without half-closed connections": make.worker(
        tcp=make.tcp(watchers=make.watchers(), close_wait=make.close_wait([], [])),
        cpu=make.cpu(make.process(runtime=GEVENT)),
    ),
    "edge-triggered": with_watchers(make.watcher(events=make.IN | make.EDGE)),
    "one-shot": with_watchers(make.watcher(events=make.IN | make.ONESHOT)),
    "errors only, on a socket that is listed": with_watchers(make.watcher(events=make.ALWAYS)),
    "live connection": with_watchers(make.watcher(socket=make.watched("ESTABLISHED"))),
    "the number is another file by now": with_watchers(make.watcher(number_now={"inode": 5, "link": "socket:[5]"})),
    "the number is closed": with_watchers(make.watcher(number_now=None)),
    "registration of another process": with_watchers(make.watcher(pid=77)),
    "registration of an earlier process of this pid": with_watchers(make.watcher(start_time=5)),
    "not accepted yet, held by nobody": make.worker(
        tcp=make.tcp(
            watchers=make.watchers(), close_wait=make.close_wait([make.half_closed(0, holders=[])], [], unaccepted=1)
        ),
        cpu=make.cpu(make.process(runtime=GEVENT)),
    ),
}


@pytest.mark.parametrize("facts", HEALTHY.values(), ids=HEALTHY)
def test_no_finding(facts: make.Fact) -> None:
    assert spin(facts) == ([], [])


def child(**changed: Any) -> make.Fact:
    usual = {"ppid": make.PID, "hottest_thread": make.thread(tid=make.CHILD)}
    return make.process(make.CHILD, make.CHILD_BORN, **{**usual, **changed})


def test_sleeping_child_that_inherited_the_epoll_set() -> None:
    inherited = make.watcher(pid=make.CHILD, start_time=make.CHILD_BORN)
    asleep = make.sleeping(make.CHILD, make.CHILD_BORN, ppid=make.PID)
    outcome = spin(with_watchers(make.watcher(), inherited, cpu=make.cpu(make.process(), asleep)))
    assert [finding["process"]["pid"] for finding in outcome.findings] == [make.PID]


def test_busy_child_that_inherited_the_epoll_set_of_a_spinning_parent() -> None:
    inherited = make.watcher(pid=make.CHILD, start_time=make.CHILD_BORN)
    outcome = spin(with_watchers(make.watcher(), inherited, cpu=make.cpu(make.process(), child())))
    assert [finding["process"]["pid"] for finding in outcome.findings] == [make.PID]
    assert outcome.unknowns == []


def test_busy_child_of_a_parent_that_sleeps_cannot_be_told() -> None:
    inherited = make.watcher(pid=make.CHILD, start_time=make.CHILD_BORN)
    outcome = spin(with_watchers(make.watcher(), inherited, cpu=make.cpu(child(), make.sleeping())))
    assert outcome.findings == []
    assert "shares an epoll set with its parent" in outcome.unknowns[0]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"tcp": None}, "tcp facts were not gathered"),
        ({"cpu": None}, "cpu facts were not gathered"),
        (
            {"cpu": make.cpu(processes=None, errors=[{"source": "psutil", "reason": "is missing"}])},
            "cpu processes could not be read: psutil: is missing",
        ),
        (
            {"tcp": make.tcp(watchers=None, errors=[{"source": "fdinfo", "reason": "denied"}])},
            "tcp watchers could not be read: fdinfo: denied",
        ),
        ({"tcp": make.tcp(close_wait=None)}, "tcp close_wait could not be read: no reason given"),
    ],
)
def test_a_missing_source_is_unknown(facts: make.Fact, says: str) -> None:
    outcome = spin(make.worker(**facts))
    assert outcome.findings == []
    assert says in outcome.unknowns


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (
            {
                "tcp": make.tcp(
                    watchers=make.watchers(), errors=[{"source": "/proc", "reason": "denied for 88 processes"}]
                )
            },
            "tcp: /proc: denied for 88 processes",
        ),
        (
            {"tcp": make.tcp(watchers=make.watchers(omitted=12))},
            f"process {make.PID} spins, and 12 suspicious registrations were cut off the list",
        ),
        (
            {
                "tcp": make.tcp(
                    watchers=make.watchers(),
                    unreadable={
                        "total": 1,
                        "processes": [{"pid": make.PID, "start_time": make.BORN, "name": "x"}],
                        "omitted": 0,
                    },
                )
            },
            "its fds and epoll sets could not be read",
        ),
        (
            {"tcp": make.tcp(watchers=make.watchers(), unreadable={"total": 70, "processes": [], "omitted": 70})},
            "may be among 70 unreadable ones",
        ),
        ({"cpu": make.cpu(make.process(threads=2, hottest_thread=None))}, "threads of process 20417 could not be read"),
        ({"cpu": make.cpu(make.process(99, 1), omitted=3)}, "is not among the 1 busiest that were measured"),
    ],
)
def test_an_incomplete_look_is_unknown(facts: make.Fact, says: str) -> None:
    outcome = spin(make.worker(**facts))
    assert outcome.findings == []
    assert any(says in reason for reason in outcome.unknowns)


def test_unreadable_processes_that_do_not_spin_do_not_matter() -> None:
    other = {"total": 1, "processes": [{"pid": 1, "start_time": 2, "name": "init"}], "omitted": 0}
    assert spin(make.worker(tcp=make.tcp(watchers=make.watchers(), unreadable=other))) == ([], [])


def test_a_finding_stands_beside_an_incomplete_look() -> None:
    outcome = spin(make.worker(tcp=make.tcp(errors=[{"source": "netns 5", "reason": "gone"}])))
    assert len(outcome.findings) == 1
    assert outcome.unknowns == ["tcp: netns 5: gone"]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (with_watchers(make.watcher(events=make.IN | make.OUT | make.ALWAYS)), "EPOLLOUT is watched for on fd 61"),
        (
            with_watchers(make.watcher(), make.watcher(8, make.OUT, 62, socket=make.watched("ESTABLISHED", 8))),
            "EPOLLOUT is watched for on fd 62",
        ),
        (make.worker(cpu=make.cpu(make.honest())), "may be busy in its own code"),
        (
            make.worker(tcp=make.tcp(close_wait=make.close_wait([make.half_closed(age_s={"min": 1.0, "max": 1.0})]))),
            "closed while CPU use was being measured",
        ),
    ],
)
def test_another_possible_reason_makes_it_likely_only(facts: make.Fact, says: str) -> None:
    finding = only(spin(facts))
    assert finding["confidence"] == "likely"
    assert any(says in unknown for unknown in finding["unknowns"])


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (make.worker(cpu=make.cpu(make.process(runtime=GEVENT))), "gevent 24.11.1 is loaded"),
        (make.worker(cpu=make.cpu(make.process(runtime=make.runtime(role="celery-eventlet")))), "eventlet is loaded"),
        (make.worker(cpu=make.cpu(make.process(runtime=make.runtime("unknown")))), "runtime is not known"),
        (make.worker(cpu=make.cpu(make.process(runtime=None))), "runtime is not known"),
        (
            make.worker(cpu=make.cpu(make.process(runtime=make.runtime("go", role=None)))),
            "to go was never measured",
        ),
        (make.worker(cpu=make.cpu(make.process(runtime=make.runtime(role="celery-solo")))), "Celery solo pool"),
        (
            with_watchers(make.watcher(holders=[make.holder(), make.holder(make.CHILD, make.CHILD_BORN)])),
            f"other processes ({make.CHILD}) hold the same sockets as fd 61",
        ),
        (
            make.worker(tcp=make.tcp(close_wait=make.close_wait([make.half_closed(unread_bytes=31, recv_q=32)]))),
            "would lose 31 unread and 0 unsent bytes",
        ),
        (make.worker(tcp=make.tcp(close_wait=make.close_wait([make.half_closed(send_q=9)]))), "0 unread and 9 unsent"),
    ],
)
def test_restart_where_closing_would_harm_or_not_help(facts: make.Fact, says: str) -> None:
    finding = only(spin(facts))
    assert actions(finding) == ["redis_timeout", "worker_restart"]
    restart = finding["remedy"][1]
    assert (restart["risk"], restart["where"]) == ("disruptive", make.HOST)
    assert restart["vars"] == {"pid": make.PID, "start_time": make.BORN}
    assert says in restart["why"]
    assert "supervisord starts it again as kiln:worker-b" in restart["why"]


@pytest.mark.parametrize("supervisor", [None, {"kind": None, "name": None}])
def test_restart_without_a_supervisor_says_so(supervisor: make.Fact | None) -> None:
    process = make.process(runtime=GEVENT, supervisor=supervisor)
    assert "nothing is known that starts it again" in only(spin(make.worker(cpu=make.cpu(process))))["remedy"][1]["why"]


def test_one_finding_per_peer_and_no_closing_when_one_socket_forbids_it() -> None:
    other = make.watcher(8800001, fd=62, socket=make.watched(inode=8800001, remote=("203.0.113.4", 7001)))
    held = {**other, "holders": [make.holder(fd=62), make.holder(make.CHILD, make.CHILD_BORN, 62)]}
    both = [make.half_closed(), make.half_closed(8800001, ("203.0.113.4", 7001))]
    close_wait = make.close_wait(both)
    free = spin(make.worker(tcp=make.tcp(watchers=make.watchers(make.watcher(), other), close_wait=close_wait)))
    assert [actions(finding) for finding in free.findings] == [
        ["redis_timeout", "redis_client_kill", "fd_close"],
        ["fd_close"],
    ]
    bound = spin(make.worker(tcp=make.tcp(watchers=make.watchers(make.watcher(), held), close_wait=close_wait)))
    assert [actions(finding)[-1] for finding in bound.findings] == ["worker_restart", "worker_restart"]


def test_a_short_look_does_not_make_a_registration_doubtful() -> None:
    assert only(spin(make.worker(cpu=make.cpu(make.honest(), window_s=1.0))))["confidence"] == "proven"


def test_several_sockets_of_one_peer_are_one_finding() -> None:
    other = make.watcher(8800001, fd=62, socket=make.watched(inode=8800001))
    both = make.close_wait([make.half_closed(), make.half_closed(8800001)])
    finding = only(spin(make.worker(tcp=make.tcp(watchers=make.watchers(make.watcher(), other), close_wait=both))))
    assert [target["fd"] for target in finding["remedy"][-1]["vars"]["targets"]] == [make.FD, 62]


def test_a_registration_never_matches_a_socket_that_nobody_has_accepted() -> None:
    odd = make.worker(
        tcp=make.tcp(
            watchers=make.watchers(make.watcher(0)), close_wait=make.close_wait([make.half_closed(0, unread_bytes=9)])
        )
    )
    assert only(spin(odd))["evidence"]["sockets"] == []


def many(**changed: Any) -> make.Fact:
    inodes = range(9000000, 9000040)
    suspects = [make.watcher(inode, fd=100 + n, **changed) for n, inode in enumerate(inodes)]
    return make.worker(tcp=make.tcp(watchers=make.watchers(*suspects, omitted=529)))


def test_many_sockets_are_said_in_few_words() -> None:
    finding = only(spin(many()))
    assert len(finding["remedy"][-1]["vars"]["targets"]) == 40
    assert finding["unknowns"] == [
        "when the peer closed is not known for fds 100, 101, 102, 103, 104, … (40 in all): not among those listed",
        "529 more suspicious registrations exist than are listed, maybe of this process",
    ]
    assert len(finding["evidence"]["registrations"]) == 20
    assert finding["evidence"]["registrations_omitted"] == 20


def test_many_shared_sockets_are_said_in_few_words() -> None:
    holders = [make.holder(), *(make.holder(child, child) for child in range(30001, 30010))]
    why = only(spin(many(holders=holders)))["remedy"][1]["why"]
    assert "(30001, 30002, 30003, 30004, 30005, …) hold the same sockets as fds 100, 101, 102, 103, 104, … (40" in why


def gevent_worker(**row: Any) -> make.Fact:
    sockets = [make.half_closed(make.INODE + n) for n in range(4)]
    rows = [make.by_process({"600": 4}, **row)]
    return make.worker(
        tcp=make.tcp(watchers=make.watchers(), close_wait=make.close_wait(sockets, rows)),
        cpu=make.cpu(make.process(runtime=GEVENT)),
    )


def test_loop_without_epoll_is_suspected() -> None:
    finding = only(spin(gevent_worker()))
    assert (finding["confidence"], finding["severity"]) == ("suspected", "high")
    assert finding["cause"]["status"] == "proven"
    assert actions(finding) == ["redis_timeout", "worker_restart"]
    assert any("which of the 4 sockets it polls" in unknown for unknown in finding["unknowns"])
    assert len(finding["evidence"]["sockets"]) == 4


def test_too_short_a_look_at_a_loop_without_epoll_is_unknown_never_healthy() -> None:
    facts = gevent_worker()
    facts["cpu"]["window_s"] = 1.0
    outcome = spin(facts)
    assert outcome.findings == []
    assert "only 0.9 s of its CPU time were seen, and 2 s are needed" in outcome.unknowns[0]


def test_a_short_look_is_enough_where_the_kernel_has_a_large_share() -> None:
    facts = gevent_worker()
    facts["cpu"] = make.cpu(make.process(runtime=GEVENT, system_percent=30.0), window_s=1.0)
    assert only(spin(facts))["confidence"] == "suspected"


def test_loop_without_epoll_but_watched_sockets_is_not_suspected() -> None:
    assert spin(gevent_worker(watched=1)) == ([], [])


def test_suspicion_without_a_listed_socket() -> None:
    facts = gevent_worker()
    facts["tcp"]["close_wait"]["sockets"] = []
    finding = only(spin(facts))
    assert finding["cause"]["status"] == "unknown"
    assert actions(finding) == ["worker_restart"]


def test_two_peers_of_a_suspicion_give_two_settings() -> None:
    facts = gevent_worker()
    facts["tcp"]["close_wait"]["sockets"][0]["remote"] = make.endpoint((make.THERE, 6999))
    server = make.server(redis=make.redis(make.instance(), make.instance(port=6999, pid=812)))
    finding = only(spin(facts, others={make.REDIS_HOST: server}))
    assert [remedy["vars"].get("port") for remedy in finding["remedy"]] == [6999, make.REDIS_PORT, None]
