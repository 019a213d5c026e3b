# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of the cpu subset, from ticks with known times."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_facts, _cpu_sampling
from ansible_collections.closewait.remediation.plugins.module_utils._cpu_sampling import Thread, Tick


def _tick(when: float, user: float, system: float, threads: Dict[int, Thread], state: str = "R") -> Tick:
    return Tick(when, user, system, state, threads)


#: Two threads: one that computes and is preempted, one that waits. The first tick comes without threads.
TICKS: List[Tick] = [
    _tick(100.0, 7.0, 1.0, {}, "S"),
    _tick(100.5, 7.3, 1.1, {70: Thread(2.0, 5, 10, "R"), 71: Thread(9.0, 40, 0, "S")}),
    _tick(101.0, 7.6, 1.2, {70: Thread(2.4, 5, 30, "R"), 71: Thread(9.0, 44, 0, "S"), 72: Thread(0.0, 9, 9, "R")}),
    _tick(102.5, 8.5, 1.5, {70: Thread(3.6, 6, 90, "R"), 71: Thread(9.1, 60, 2, "S"), 72: Thread(0.0, 9, 9, "R")}, "S"),
]


def test_a_process_over_its_window() -> None:
    usage = _cpu_facts.usage(TICKS)
    assert usage.percent == pytest.approx(100 * 2.0 / 2.5)
    assert usage.user_percent == pytest.approx(60.0)
    assert usage.system_percent == pytest.approx(20.0)
    assert usage.windows == [80.0, 80.0, 80.0]
    assert usage.states == ["S", "R", "R", "S"]
    # Over the threads that were there at both ends, and the 2.0 s in which threads were looked at.
    assert usage.voluntary_per_s == pytest.approx((1 + 20) / 2.0)
    assert usage.involuntary_per_s == pytest.approx((80 + 2) / 2.0)


def test_the_hottest_thread_is_the_one_that_used_most_in_the_window() -> None:
    assert _cpu_facts.usage(TICKS).thread == {
        "tid": 70,
        "cpu_percent": 80.0,
        "state": "R",
        "states": ["R", "R", "R"],
        "voluntary_per_s": 0.5,
        "involuntary_per_s": 40.0,
    }


def test_the_facts_of_it() -> None:
    shown = _cpu_facts.shown(_cpu_facts.usage(TICKS))
    assert shown["hottest_thread"]["tid"] == 70
    del shown["hottest_thread"]
    assert shown == {
        "cpu_percent": 80.0,
        "user_percent": 60.0,
        "system_percent": 20.0,
        "cpu_percent_windows": [80.0, 80.0, 80.0],
        "state": "S",
        "states": ["S", "R", "R", "S"],
        "voluntary_per_s": 10.5,
        "involuntary_per_s": 41.0,
    }


def test_uneven_windows() -> None:
    ticks = [_tick(0.0, 0.0, 0.0, {}), _tick(1.0, 1.0, 0.0, {}), _tick(5.0, 1.0, 0.04, {})]
    usage = _cpu_facts.usage(ticks)
    assert usage.windows == [100.0, 1.0]
    assert usage.percent == pytest.approx(20.8)


def test_a_process_whose_threads_were_not_followed() -> None:
    usage = _cpu_facts.usage([_tick(1.0, 0.0, 0.0, {}), _tick(2.0, 0.0, 0.0, {}), _tick(3.0, 0.02, 0.0, {})])
    assert (usage.thread, usage.voluntary_per_s, usage.involuntary_per_s) == (None, 0.0, 0.0)


def test_threads_seen_only_once_tell_no_rates() -> None:
    usage = _cpu_facts.usage([_tick(1.0, 0.0, 0.0, {}), _tick(2.0, 1.0, 0.0, {5: Thread(1.0, 1, 1, "R")})])
    assert (usage.thread, usage.voluntary_per_s) == (None, 0.0)


def test_threads_that_came_and_went_are_no_hottest_thread() -> None:
    ticks = [_tick(1.0, 0.0, 0.0, {5: Thread(1.0, 1, 1, "R")}), _tick(2.0, 1.0, 0.0, {6: Thread(9.0, 1, 1, "R")})]
    assert _cpu_facts.usage(ticks).thread is None


def test_ticks_at_the_same_moment_divide_by_nothing() -> None:
    usage = _cpu_facts.usage([_tick(1.0, 0.0, 0.0, {}), _tick(1.0, 0.0, 0.0, {})])
    assert usage.percent == pytest.approx(0.0)


STAT = "4312 (a) R (b) R 1 4312 4312 0 -1 4194304 901 0 0 0 %d %d 55 66 20 0 2 0 9911 1 1 18446744073709551615\n"
STATUS = "Name:\tx\nvoluntary_ctxt_switches:\t77\nnonvoluntary_ctxt_switches:\t312\n"


def test_a_thread_from_stat_and_status() -> None:
    thread = _cpu_sampling.parse_thread(STAT % (250, 50), STATUS)
    assert thread == Thread(300 / _cpu_sampling._TICKS_PER_S, 77, 312, "R")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("", (0, 0)),
        ("nonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t8\n", (8, 9)),
        ("Name:\tvoluntary_ctxt_switches\nvoluntary_ctxt_switches:\t8\n", (8, 0)),
    ],
)
def test_switches_by_name(status: str, expected: Any) -> None:
    thread = _cpu_sampling.parse_thread(STAT % (0, 0), status)
    assert (thread.voluntary, thread.involuntary) == expected
