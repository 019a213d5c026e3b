# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision table of fd_close: every refusal, the order of the checks, ghosts, every runtime."""

from __future__ import annotations

import itertools
from typing import Any, Dict, List, NamedTuple, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._fd import closable as fd_closable
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import (
    Decision,
    Observed,
    Options,
    Plan,
    Process,
    Target,
    decide,
)

TARGET = Target(pid=6101, start_time=8817, fd=44, inode=31313, cookie="00000000000b00c1", ghost=False)
SEEN = Observed(
    start_time=8817,
    is_open=True,
    inode=31313,
    state="CLOSE_WAIT",
    cookie="00000000000b00c1",
    unread=0,
    unsent=0,
    lingers=False,
    age=33.0,
    epolls=[9],
    level_triggered=True,
    holders=[],
    ghost_watchers=[],
)
PROCESS = Process("cpython", ["asyncio"], None, None)
OPTIONS = Options("auto", allow_unread=False, force_unwatched=False, force_runtime=False, min_age=1.0)
ALONE = Plan({}, frozenset())

GHOST = TARGET._replace(ghost=True)
GHOST_SEEN = SEEN._replace(epolls=[], level_triggered=False, ghost_watchers=[6000])


class Check(NamedTuple):
    """A reason against it: what to change in what is seen and in the process, the outcome and words of the reason."""

    seen: Dict[str, Any]
    process: Dict[str, Any]
    outcome: str
    words: str


#: In the order in which they are to be made: the first that applies decides.
CHECKS: List[Check] = [
    Check({"start_time": None}, {}, "gone", "process has ended"),
    Check({"start_time": 8818}, {}, "changed", "pid 6101 is another process"),
    Check({"is_open": False}, {}, "gone", "not open any more"),
    Check({"inode": None}, {}, "changed", "another file"),
    Check({"inode": 31314}, {}, "changed", "another file"),
    Check({"cookie": "00000000000b00c2"}, {}, "changed", "another socket"),
    Check({}, {"obstacle": "it is being traced"}, "refused", "it is being traced"),
    Check({"state": None}, {}, "refused", "not a TCP socket"),
    Check({"state": "ESTABLISHED"}, {}, "refused", "not half-closed but ESTABLISHED"),
    Check({"state": "LISTEN"}, {}, "refused", "not half-closed but LISTEN"),
    Check({"state": "FIN_WAIT2"}, {}, "refused", "not half-closed but FIN_WAIT2"),
    Check({"age": 0.3}, {}, "refused", "0.3 s ago (min_age 1 s)"),
    Check({"unsent": 712}, {}, "refused", "712 bytes are not sent"),
    Check({"unread": 5}, {}, "refused", "5 bytes are unread"),
    Check({"unread": None}, {}, "refused", "cannot tell whether bytes are unread"),
    Check({"lingers": True}, {}, "refused", "SO_LINGER"),
    Check({"holders": [6102]}, {}, "refused", "process 6102 holds"),
    Check({"epolls": []}, {}, "refused", "no event loop watches it"),
    Check({}, {"loops": ["gevent 25.9.1"]}, "refused", "gevent 25.9.1 is loaded"),
    Check({"level_triggered": False}, {}, "refused", "edge-triggered"),
]


def _decide(
    check: Optional[Check] = None, target: Target = TARGET, seen: Observed = SEEN, options: Options = OPTIONS
) -> Decision:
    process = PROCESS
    if check is not None:
        seen, process = seen._replace(**check.seen), process._replace(**check.process)
    return decide(target, seen, process, options, ALONE)


@pytest.mark.parametrize("check", CHECKS, ids=[check.words for check in CHECKS])
def test_each_reason_against_it(check: Check) -> None:
    decision = _decide(check)
    assert decision.outcome == check.outcome
    assert check.words in decision.reason
    assert decision.method is None
    assert not decision.settle


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(first, second, id="%s before %s" % (first.words, second.words))
        for first, second in itertools.combinations(CHECKS, 2)
        if not (first.seen.keys() & second.seen.keys() or first.process.keys() & second.process.keys())
        # An fd that is not watched at all is not watched edge-triggered either.
        and not (first.words == "edge-triggered" and second.seen == {"epolls": []})
    ],
)
def test_the_first_reason_decides(first: Check, second: Check) -> None:
    both = Check({**second.seen, **first.seen}, {**second.process, **first.process}, first.outcome, first.words)
    decision = _decide(both)
    assert (decision.outcome, decision.reason) == (first.outcome, _decide(first).reason)


def test_nothing_against_it() -> None:
    decision = _decide()
    assert decision.outcome is None
    assert decision.method == "placeholder"
    assert decision.settle


@pytest.mark.parametrize("state", ["CLOSE_WAIT", "CLOSE"])
def test_half_closed_and_vanished_are_alike(state: str) -> None:
    assert _decide(seen=SEEN._replace(state=state, age=float("inf"))).outcome is None


def test_a_socket_that_no_listing_shows_has_no_cookie() -> None:
    unlisted = SEEN._replace(state="CLOSE", cookie=None)
    assert _decide(seen=unlisted).outcome is None
    assert _decide(target=TARGET._replace(cookie=None)).outcome is None
    assert _decide(target=TARGET._replace(cookie=None), seen=unlisted).outcome is None


@pytest.mark.parametrize(
    ("check", "alternative"),
    [
        ({"unread": 9}, "allow_unread"),
        ({"unsent": 9}, "wait"),
        ({"age": 0.0}, "again later"),
        ({"holders": [7]}, "restart"),
        ({"lingers": True}, "restart"),
        ({"epolls": []}, "no remedy is needed"),
        ({"level_triggered": False}, "no remedy is needed"),
        ({"inode": 1}, "diagnose again"),
        ({"start_time": 1}, "diagnose again"),
        ({"cookie": "0" * 16}, "diagnose again"),
    ],
)
def test_a_refusal_says_what_to_do_instead(check: Dict[str, Any], alternative: str) -> None:
    assert alternative in str(_decide(seen=SEEN._replace(**check)).alternative)


@pytest.mark.parametrize(
    ("seen", "option"),
    [
        ({"unread": 40}, {"allow_unread": True}),
        ({"unread": None}, {"allow_unread": True}),
        ({"age": 0.2}, {"min_age": 0.2}),
        ({"age": 0.0}, {"min_age": 0.0}),
        ({"epolls": []}, {"force_unwatched": True}),
        ({"level_triggered": False}, {"force_unwatched": True}),
    ],
)
def test_what_an_option_allows(seen: Dict[str, Any], option: Dict[str, Any]) -> None:
    assert _decide(seen=SEEN._replace(**seen)).outcome == "refused"
    assert _decide(seen=SEEN._replace(**seen), options=OPTIONS._replace(**option)).outcome is None


def test_forcing_one_thing_forces_nothing_else() -> None:
    forced = Options("close", allow_unread=True, force_unwatched=True, force_runtime=True, min_age=0.0)
    for seen in (
        {"state": "ESTABLISHED"},
        {"state": None},
        {"unsent": 1},
        {"lingers": True},
        {"holders": [6102]},
        {"start_time": 1},
        {"inode": 1},
        {"cookie": "1" * 16},
    ):
        assert _decide(seen=SEEN._replace(**seen), options=forced).outcome in ("refused", "changed")
    obstacle = Check({}, {"obstacle": "zombie"}, "refused", "")
    assert _decide(obstacle, options=forced).outcome == "refused"
    only_runtime = OPTIONS._replace(force_runtime=True)
    assert _decide(seen=SEEN._replace(epolls=[]), options=only_runtime).outcome == "refused"
    only_unwatched = OPTIONS._replace(force_unwatched=True)
    gevent = Check({"epolls": []}, {"loops": ["gevent"]}, "refused", "")
    assert "gevent" in _decide(gevent, options=only_unwatched).reason


def test_its_own_second_number_is_no_other_holder() -> None:
    assert _decide(seen=SEEN._replace(holders=[6101])).outcome is None


def test_a_ghost_is_closed_in_its_holder() -> None:
    decision = _decide(target=GHOST, seen=GHOST_SEEN)
    assert (decision.outcome, decision.method, decision.settle) == (None, "close", False)


def test_what_nobody_watches_without_holding_it_is_no_ghost() -> None:
    decision = _decide(target=GHOST, seen=GHOST_SEEN._replace(ghost_watchers=[]))
    assert (decision.outcome, decision.alternative) == ("refused", "diagnose again")
    assert "no ghost" in decision.reason


def test_a_ghost_with_several_holders_needs_them_all_in_the_plan() -> None:
    seen = GHOST_SEEN._replace(holders=[6102, 6103])
    all_of_them = _plan(6101, 6102, 6103)
    assert decide(GHOST, seen, PROCESS, OPTIONS, all_of_them).outcome is None
    decision = decide(GHOST, seen, PROCESS, OPTIONS, _plan(6101, 6102))
    assert decision.outcome == "refused"
    assert "all its holders" in str(decision.alternative)
    assert "6103" in decision.reason
    assert "6102" not in decision.reason


def test_a_socket_with_several_holders_needs_them_all_in_the_plan() -> None:
    seen = SEEN._replace(holders=[6102, 6103])
    assert decide(TARGET, seen, PROCESS, OPTIONS, _plan(6101, 6102, 6103)).outcome is None
    decision = decide(TARGET, seen, PROCESS, OPTIONS, _plan(6101, 6102))
    assert decision.outcome == "refused"
    assert "process 6103 holds" in decision.reason


@pytest.mark.parametrize("seen", [{"epolls": []}, {"level_triggered": False}])
def test_a_copy_need_not_be_watched_itself(seen: Dict[str, Any]) -> None:
    copy = SEEN._replace(holders=[6102], **seen)
    assert decide(TARGET, copy, PROCESS, OPTIONS, _plan(6101, 6102)).outcome is None
    assert decide(TARGET, copy, PROCESS, OPTIONS, _plan(6101, 6102)._replace(watched=frozenset())).outcome == "refused"
    # The other holder has been dealt with already.
    last = SEEN._replace(**seen)
    assert decide(TARGET, last, PROCESS, OPTIONS, _plan(6101, 6102)).outcome is None
    assert decide(TARGET, last, PROCESS, OPTIONS, _plan(6101)).outcome == "refused"


def _plan(*pids: int) -> Plan:
    return Plan({TARGET.inode: frozenset(pids), GHOST.inode: frozenset(pids)}, frozenset([TARGET.inode]))


def test_close_must_be_forced_where_the_program_does_not_expect_it() -> None:
    careful = OPTIONS._replace(method="close", force_close=False)
    decision = decide(TARGET, SEEN, PROCESS._replace(role=None), careful, ALONE)
    assert (decision.outcome, decision.alternative) == ("refused", "use method placeholder, or set force_close")
    assert "the number is free" in decision.reason
    forced = decide(TARGET, SEEN, PROCESS._replace(role=None), careful._replace(force_close=True), ALONE)
    assert (forced.outcome, forced.method) == (None, "close")
    assert "the number is free" in forced.reason
    for target, seen, role in ((TARGET, SEEN, "celery-prefork"), (GHOST, GHOST_SEEN, None)):
        expected = decide(target, seen, PROCESS._replace(role=role), careful, ALONE)
        assert (expected.outcome, expected.method, expected.reason) == (None, "close", "asked for")


def test_at_most_five_holders_are_named() -> None:
    decision = _decide(seen=SEEN._replace(holders=[9, 8, 7, 6, 5, 4, 5]))
    assert "process 4, 5, 6, 7, 8 holds" in decision.reason


@pytest.mark.parametrize("seen", [{"state": "ESTABLISHED"}, {"unread": 3}, {"unsent": 3}, {"age": 0.0}])
def test_a_ghost_is_judged_as_strictly_in_all_else(seen: Dict[str, Any]) -> None:
    assert _decide(target=GHOST, seen=GHOST_SEEN._replace(**seen)).outcome == "refused"


@pytest.mark.parametrize(
    ("role", "ghost", "method", "settle"),
    [
        ("celery-prefork", False, "close", False),
        (None, False, "placeholder", True),
        ("gunicorn", False, "placeholder", True),
        ("celery-prefork", True, "close", False),
        (None, True, "close", False),
    ],
)
def test_auto_picks_by_program_and_kind(
    role: Optional[str],
    ghost: bool,  # noqa: FBT001 - a table
    method: str,
    settle: bool,  # noqa: FBT001 - a table
) -> None:
    target, seen = (GHOST, GHOST_SEEN) if ghost else (TARGET, SEEN)
    decision = decide(target, seen, PROCESS._replace(role=role), OPTIONS, ALONE)
    assert (decision.outcome, decision.method, decision.settle) == (None, method, settle)
    assert len(decision.reason) > 20


@pytest.mark.parametrize("method", ["close", "placeholder"])
@pytest.mark.parametrize("role", ["celery-prefork", None])
def test_the_callers_method_is_taken(method: str, role: Optional[str]) -> None:
    decision = decide(
        TARGET, SEEN, PROCESS._replace(role=role), OPTIONS._replace(method=method, force_close=True), ALONE
    )
    assert (decision.outcome, decision.method) == (None, method)
    # How the loop is to be treated does not depend on who picked the method.
    assert decision.settle is (role is None)


def test_the_runtime_can_be_forced() -> None:
    process = PROCESS._replace(runtime="node", loops=["gevent 24.2.1"])
    assert decide(TARGET, SEEN, process, OPTIONS, ALONE).outcome == "refused"
    assert decide(TARGET, SEEN, process, OPTIONS._replace(force_runtime=True), ALONE).outcome is None


def test_restart_is_the_way_out_of_an_unsafe_runtime() -> None:
    decision = decide(TARGET, SEEN, PROCESS._replace(runtime="go", loops=[]), OPTIONS, ALONE)
    assert decision.alternative == fd_decision.RESTART
    assert "go" in decision.reason


RUNTIMES = [
    ("cpython", [], None, None),
    ("cpython", ["asyncio"], None, None),
    ("cpython", ["asyncio"], "celery-prefork", None),
    ("cpython", [], "uvicorn", None),
    ("pypy", [], None, None),
    ("unknown", [], None, "not known"),
    ("node", [], None, None),
    ("java", [], None, None),
    ("go", [], None, "go"),
    ("erlang", [], None, "erlang"),
    ("cpython", ["gevent"], None, "gevent is loaded"),
    ("cpython", ["asyncio", "gevent 25.4.1"], "celery-prefork", "gevent 25.4.1 is loaded"),
    ("cpython", ["eventlet"], None, "eventlet"),
    ("cpython", ["uvloop 0.21.0"], None, None),
    ("cpython", ["uvloop 0.21.0"], "celery-prefork", "Celery on uvloop"),
    ("node", [], "celery-prefork", "Celery on node"),
    ("cpython", [], "celery-gevent", "gevent"),
    ("cpython", [], "celery-eventlet", "eventlet"),
    ("cpython", [], "celery-solo", "solo"),
    ("cpython", [], "celery-threads", "threads"),
    ("cpython", [], "celery-custom", "custom"),
    ("cpython", [], "celery-unknown", "unknown"),
    ("node", ["gevent 1"], None, "gevent"),
]


@pytest.mark.parametrize(("runtime", "loops", "role", "words"), RUNTIMES)
def test_where_closing_is_known_to_be_safe(
    runtime: str, loops: List[str], role: Optional[str], words: Optional[str]
) -> None:
    reason = fd_closable.why_not(runtime, loops, role)
    if words is None:
        assert reason is None
    else:
        assert words in str(reason)
    decision = decide(TARGET, SEEN, Process(runtime, loops, role, None), OPTIONS, ALONE)
    assert decision.outcome == (None if words is None else "refused")


@pytest.mark.parametrize(
    ("loops", "role", "expected"),
    [
        ([], None, None),
        (["asyncio", "uvloop 0.19"], "celery-prefork", None),
        (["asyncio", "gevent 24.2.1"], None, "gevent 24.2.1"),
        ([], "celery-gevent", "gevent"),
        ([], "celery-eventlet", "eventlet"),
        ([], "gunicorn", None),
    ],
)
def test_green_loops(loops: List[str], role: Optional[str], expected: Optional[str]) -> None:
    assert fd_closable.green_loop(loops, role) == expected
