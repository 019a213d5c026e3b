# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gdb or the program fails in the middle: what was done is said, and what is left runs on."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter

import pytest

from scenario_kit import living
from scenario_kit.figures import record
from scenario_kit.hardship import Hardship, Victims
from scenario_kit.kernel_scheduling import process_state
from scenario_kit.meddler import traced_gets, tracer_gets
from scenario_kit.waiting import wait_for

SEED = int(os.environ.get("CLOSEWAIT_SEED", "20261120"))
KILLS = int(os.environ.get("CLOSEWAIT_KILLS", "32"))
#: Two stops of some milliseconds each, so most of these delays end within one.
_LONGEST_DELAY_S = 0.012
#: For each answer of gdb. One that has lost its target, or its parent, may never answer.
_TIMEOUT_S = 3


def seeded() -> random.Random:
    """The same delays in every run; $CLOSEWAIT_SEED gives others."""
    return random.Random(SEED)  # noqa: S311 - nothing secret


def gdbs() -> list[int]:
    """Every gdb of this PID namespace that has not ended."""
    programs = {pid: "".join(living.words(pid)[:1]) for pid in living.pids()}
    return [pid for pid, program in programs.items() if program.rsplit("/")[-1] == "gdb" and process_state(pid) != "Z"]


def half_closed(victim: Hardship) -> None:
    """With a half-closed connection again that it watches, whatever became of the last one."""
    if not victim.spinner.dead_watches():
        victim.spinner.use()
        assert victim.spinner.use() == "used"
        victim.spinner.half_close()


def test_gdb_is_killed_by_somebody_else(victim: Hardship) -> None:
    dice, outcomes, kills = seeded(), Counter[str](), 0
    for _turn in range(KILLS):
        half_closed(victim)
        with tracer_gets(signal.SIGKILL, victim.spinner.pid, dice.uniform(0, _LONGEST_DELAY_S)) as meddler:
            row = victim.close(timeout=_TIMEOUT_S)
        kills += meddler.done
        outcomes[row["outcome"]] += 1
        print(f"{1000 * meddler.delay:.1f} ms: {row}")
        victim.check_runs_on()
        victim.check_consistent(row)
    record("hardships_gdb_killed", seed=SEED, kills=kills, outcomes=dict(outcomes))
    assert kills >= KILLS // 2
    assert set(outcomes) - {"replaced"}, "no kill came in time"
    assert gdbs() == []


def test_gdb_is_stopped_by_somebody_else(victim: Hardship) -> None:
    dice, hangs = seeded(), 0
    for _turn in range(6):
        half_closed(victim)
        with tracer_gets(signal.SIGSTOP, victim.spinner.pid, dice.uniform(0, _LONGEST_DELAY_S)):
            row = victim.close(timeout=1)
        print(row)
        hangs += "gave no answer in 1 s" in row["reason"]
        victim.check_runs_on()
        victim.check_consistent(row)
    assert hangs >= 1, "no gdb was stopped in time"
    assert gdbs() == []


def test_the_program_is_killed_in_the_middle(victims: Victims) -> None:
    dice, outcomes = seeded(), Counter[str]()
    for _turn in range(6):
        with victims.start() as victim:
            victim.spinner.half_close()
            target = victim.spinner.target()
            with traced_gets(signal.SIGKILL, victim.spinner.pid, dice.uniform(0, _LONGEST_DELAY_S)) as meddler:
                row = victim.close_target(target, timeout=_TIMEOUT_S)
            outcomes[row["outcome"]] += 1
            assert row["reason"], row
            if meddler.done:
                wait_for(lambda: not victim.spinner.program.running(), 10, "the program to end")
                assert victim.close_target(target)["outcome"] == "gone"
    record("hardships_program_killed", seed=SEED, outcomes=dict(outcomes))
    assert set(outcomes) <= {"lost", "gone", "changed", "replaced"}, outcomes
    assert outcomes["lost"], outcomes
    assert gdbs() == []


def test_the_program_is_stopped_by_somebody_else_in_the_middle(victim: Hardship) -> None:
    """Whether their stop holds or not, the program is whole when it is continued."""
    dice = seeded()
    for _turn in range(6):
        half_closed(victim)
        with traced_gets(signal.SIGSTOP, victim.spinner.pid, dice.uniform(0, _LONGEST_DELAY_S)):
            row = victim.close()
        assert row["reason"], row
        wait_for(lambda: process_state(victim.spinner.pid) in {"R", "S", "T"}, 5, "the tracer to let it go")
        os.kill(victim.spinner.pid, signal.SIGCONT)
        wait_for(lambda: process_state(victim.spinner.pid) in {"R", "S"}, 5, "the program to run")
        victim.check_runs_on()
        victim.check_consistent(row)


def test_a_program_that_has_ended_and_was_not_waited_for(victim: Hardship) -> None:
    target = victim.spinner.target()
    os.kill(victim.spinner.pid, signal.SIGKILL)
    wait_for(lambda: process_state(victim.spinner.pid) == "Z", 10, "a zombie")
    row = victim.close_target(target)
    assert (row["outcome"], row["reason"]) == ("gone", "the process has ended")
    assert process_state(victim.spinner.pid) == "Z"


@pytest.mark.parametrize("method", ["close", "placeholder"])
def test_control_it_is_done_when_nobody_meddles(victim: Hardship, method: str) -> None:
    row = victim.close(method=method, force_close=True)
    assert row["outcome"] == {"close": "closed", "placeholder": "replaced"}[method], row
