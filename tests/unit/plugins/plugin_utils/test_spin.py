# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who spins, and who only looks busy for a moment."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import CpuFacts, Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _spin
from ansible_collections.closewait.remediation.plugins.plugin_utils._shapes import conform
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask

DEFAULTS = Thresholds()


def process(fact: make.Fact) -> Process:
    """The made-up process as the rules get it."""
    checked: Process = conform(fact, Process)
    return checked


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({}, "spinning"),
        # Nine spinners on two CPUs: each gets what is left.
        ({"cpu_percent": 21.0, "cpu_percent_windows": [24.0, 19.5, 20.0]}, "spinning"),
        ({"hottest_thread": make.thread(cpu_percent=21.0, involuntary_per_s=250.0)}, "spinning"),
        # Timers of the event loop: seen up to five a second on a spinning worker.
        ({"hottest_thread": make.thread(voluntary_per_s=5.0)}, "spinning"),
        ({"hottest_thread": make.thread("RRRRSR")}, "spinning"),
        ({"hottest_thread": make.thread("RSRSRS")}, "calm"),
        ({"hottest_thread": make.thread(voluntary_per_s=240.0)}, "calm"),
        ({"hottest_thread": make.thread("DDDDDD")}, "calm"),
        # A burst: one subwindow without CPU use.
        ({"cpu_percent_windows": [97.0, 96.0, 0.5, 98.0, 97.0], "hottest_thread": make.thread("RRSSRR")}, "calm"),
        # The same, but it wanted the CPU all the time: it had to wait for its neighbours.
        ({"cpu_percent_windows": [97.0, 96.0, 0.5, 98.0, 97.0]}, "unknown"),
        ({"cpu_percent": 4.0, "cpu_percent_windows": [6.0, 2.0]}, "unknown"),
        ({"cpu_percent": 4.0, "cpu_percent_windows": [6.0, 2.0], "hottest_thread": make.thread("SSSSSS")}, "calm"),
        (
            {"cpu_percent_windows": [6.0, 2.0], "hottest_thread": make.thread(voluntary_per_s=240.0)},
            "calm",
        ),
        # The process is busy with many threads, none of which is always runnable.
        ({"threads": 40, "hottest_thread": make.thread("RSRRSS", cpu_percent=9.0)}, "calm"),
        ({"threads": 40, "hottest_thread": make.thread(cpu_percent=6.0)}, "calm"),
        ({"threads": 3, "hottest_thread": None}, "unknown"),
        ({"threads": 3, "hottest_thread": make.thread("")}, "unknown"),
        # A single thread is the process.
        ({"threads": 1, "hottest_thread": None}, "spinning"),
        ({"threads": 1, "hottest_thread": None, "voluntary_per_s": 900.0}, "calm"),
    ],
)
def test_judge(changed: dict[str, Any], answer: str) -> None:
    assert _spin.judge(process(make.process(**changed)), DEFAULTS) == answer


def test_why_a_starved_process_is_unknown_is_said() -> None:
    starved = make.process(cpu_percent=4.0, cpu_percent_windows=[6.0, 2.0])
    seen = _spin.of_pid(conform(make.cpu(starved), CpuFacts), make.PID, make.BORN, DEFAULTS)
    assert seen.answer == "unknown"
    assert "gets 4 % of one" in seen.reason


def test_a_starved_process_with_a_half_closed_registration_is_not_healthy() -> None:
    starved = make.process(cpu_percent=4.0, cpu_percent_windows=[6.0, 2.0])
    outcome = ask("half_closed_spin", make.worker(cpu=make.cpu(starved)))
    assert outcome.findings == []
    assert ["this host has too little" in reason for reason in outcome.unknowns] == [True]


def test_sleeping_process_is_calm() -> None:
    assert _spin.judge(process(make.sleeping()), DEFAULTS) == "calm"


def test_honest_process_spins_for_all_that_the_cpu_tells() -> None:
    assert _spin.judge(process(make.honest()), DEFAULTS) == "spinning"


@pytest.mark.parametrize(
    ("cpu_percent", "system_percent", "window", "answer"),
    [
        (96.0, 4.5, 3.0, "polls"),
        (25.0, 1.2, 8.0, "polls"),
        (99.0, 0.9, 3.0, "computes"),
        (99.0, 0.0, 2.1, "computes"),
        # The same shares in too few ticks.
        (25.0, 1.2, 7.9, "unknown"),
        (99.0, 5.0, 1.0, "unknown"),
        (25.0, 0.0, 1.0, "unknown"),
        # A bare loop around epoll_wait: a third of its time is the kernel's.
        (99.0, 39.0, 1.0, "polls"),
        (15.0, 6.0, 1.0, "unknown"),
        (0.0, 0.0, 3.0, "unknown"),
    ],
)
def test_polling(cpu_percent: float, system_percent: float, window: float, answer: str) -> None:
    busy = process(make.process(cpu_percent=cpu_percent, system_percent=system_percent))
    assert _spin.polling(busy, conform(make.cpu(window_s=window), CpuFacts), DEFAULTS) == answer


def test_thresholds_are_the_callers() -> None:
    thread = make.thread(cpu_percent=43.0)
    busy = process(make.process(cpu_percent_windows=[44.0, 43.0], hottest_thread=thread))
    assert _spin.judge(busy, Thresholds(spin_cpu_percent=45.0)) == "unknown"
    assert _spin.judge(busy, Thresholds(spin_cpu_percent=42.0)) == "spinning"


@pytest.mark.parametrize(
    ("cpu", "start_time", "answer"),
    [
        (make.cpu(make.process()), make.BORN, "spinning"),
        # The same pid, but another process.
        (make.cpu(make.process()), make.BORN + 1, "calm"),
        (make.cpu(make.process(31), omitted=4), make.BORN, "unknown"),
        # The list was cut below the floor: whoever is not on it uses even less.
        (make.cpu(make.process(31), make.sleeping(32), omitted=4), make.BORN, "calm"),
    ],
)
def test_of_pid(cpu: make.Fact, start_time: int, answer: str) -> None:
    assert _spin.of_pid(conform(cpu, CpuFacts), make.PID, start_time, DEFAULTS).answer == answer
