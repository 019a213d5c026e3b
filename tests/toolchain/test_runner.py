# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage runner with real commands."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from ansible_collections.closewait.remediation.tests.toolchain import first_process, leftovers, runner
from ansible_collections.closewait.remediation.tests.toolchain.stage import Outcome, Result, Stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSEWAIT_CACHE", str(tmp_path))


def shell(name: str, script: str, **options: bool | int | str | Path | None) -> Stage:
    return Stage(name, "test", ["sh", "-c", script], **options)  # type: ignore[arg-type]


def test_every_stage_runs_and_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    results = runner.run_all(
        [
            shell("one", "true"),
            shell("two", "echo the reason; exit 3"),
            shell("three", "kill -9 $$"),
            Stage("four", "test", ["/nonexistent/command"]),
            shell("five", "false", skip="nothing to run it on"),
            shell("six", "true"),
        ]
    )
    assert runner.summary(results) == "2 passed, 3 failed, 1 skipped"
    reasons = {result.stage.name: result.reason for result in results}
    assert reasons["two"] == "exit status 3"
    assert reasons["three"] == "ended by SIGKILL"
    assert reasons["four"].startswith("could not be started")
    printed = capsys.readouterr().out
    assert "the reason" in printed
    assert "SKIPPED  five" in printed
    assert "nothing to run it on" in printed


def test_a_stage_that_may_skip_says_so_by_its_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    script = "echo of no interest; echo no bridges here; echo; exit 77"
    results = runner.run_all([shell("may", script, may_skip=True), shell("may not", script)])
    assert runner.summary(results) == "0 passed, 1 failed, 1 skipped"
    by_name = {result.stage.name: result for result in results}
    assert by_name["may"].reason == "no bridges here"
    assert by_name["may not"].reason == "exit status 77"
    assert "no bridges here" in next(line for line in capsys.readouterr().out.split("\n") if line.startswith("SKIPPED"))


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
def test_what_a_skipped_stage_leaves_running_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "GRACE_S", 0.3)
    untidy = "echo not here; setsid sleep 650.1 >/dev/null 2>&1 & exit 77"
    assert runner.run_one(shell("lone", untidy, alone=True, may_skip=True)).outcome is Outcome.FAILED
    assert runner.run_one(shell("contained", untidy, own_processes=True, may_skip=True)).outcome is Outcome.FAILED


def test_complaints_are_shown_wherever_they_are_in_the_log() -> None:
    lines = [
        "before",
        "fatal: wanted",
        "...ignoring",
        "ERROR: this is wrong",
        *(f"noise {number}" for number in range(100)),
        "the end",
    ]
    shown = runner.excerpt(lines)
    assert shown[0] == "ERROR: this is wrong"
    assert shown[-1] == "the end"
    assert len(shown) == 1 + runner.TAIL_LINES


def test_a_failed_task_is_named_with_the_end_of_what_it_saw(tmp_path: Path) -> None:
    seen = {
        "cmd": ["a" * 400],
        "msg": "non-zero return code",
        "rc": 1,
        "stderr": "noise\n" * 400 + "OSError: why",
        "stdout": "",
    }
    log = tmp_path / "log"
    log.write_text(f"TASK [role : Check it] ****\nfatal: [testhost]: FAILED! => {json.dumps(seen)}\n" + "noise\n" * 30)
    told = runner.excerpt(log.read_text().splitlines())[0]
    assert told.startswith("fatal: [testhost]: FAILED! in 'role : Check it': msg: non-zero return code, stderr: ")
    assert told.endswith("noise | OSError: why")
    failed = Result(shell("one", "false"), Outcome.FAILED, "exit status 2", 1.0, log)
    assert runner.failures([failed]).splitlines()[1] == f"    | {told}"


def test_a_failed_task_whose_result_cannot_be_read_is_shown_as_it_is() -> None:
    lines = ["fatal: [testhost]: FAILED! => {", "fatal: [testhost]: UNREACHABLE! => {}", *["noise"] * 30]
    assert runner.excerpt(lines)[:2] == lines[:2]


def test_summary_names_skipped_only_when_there_are_some() -> None:
    assert runner.summary(runner.run_all([shell("one", "true")])) == "1 passed, 0 failed"


def test_the_failed_stages_are_named_together_with_what_failed_in_them() -> None:
    script = """
        echo noise; echo 'E   AssertionError: told'; echo 'E     noise'
        echo 'E     fatal: no => {'; echo 'E       "msg": "why"'
        echo; echo 'E   TimeoutError: waited'; echo FAILED test_it - because; exit 3
    """
    results = runner.run_all([shell("one", "true"), shell("two", script), shell("three", "exit 4")], width=1)
    assert runner.failures(results).splitlines() == [
        "two: exit status 3",
        "    | E   AssertionError: told",
        "    | E     fatal: no => {",
        '    | E       "msg": "why"',
        "    | E   TimeoutError: waited",
        "    | FAILED test_it - because",
        "three: exit status 4",
        "failed: two three",
    ]
    assert runner.failures(results[:1]) == ""


def test_a_stage_that_does_not_end_is_ended() -> None:
    started = time.monotonic()
    result = runner.run_one(shell("stuck", "sleep 300 & wait", timeout_s=1))
    assert result.outcome is Outcome.FAILED
    assert result.reason == "still running after 1 s, ended"
    assert time.monotonic() - started < 10


def test_what_a_lone_stage_leaves_running_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "GRACE_S", 0.3)
    result = runner.run_all([shell("untidy", "setsid sleep 654.3 >/dev/null 2>&1 &", alone=True)])[0]
    assert result.outcome is Outcome.FAILED
    assert "left running, now killed" in result.reason
    assert "sleep 654.3" in result.reason
    assert subprocess.run(["pgrep", "-f", "^sleep 654.3"], check=False, capture_output=True).returncode == 1


def test_what_ends_late_is_waited_for() -> None:
    with subprocess.Popen(["sleep", "0.5"]) as late, leftovers.watched([late.pid]) as pidfds:
        leftovers.wait_for_end(pidfds, 0.01)
        assert late.poll() is None
        leftovers.wait_for_end(pidfds, 10)
        assert late.poll() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
def test_what_a_stage_with_own_processes_leaves_running_fails_it() -> None:
    result = runner.run_one(shell("untidy", "setsid sleep 653.2 >/dev/null 2>&1 &", own_processes=True))
    assert result.reason == f"exit status {first_process.LEFT_RUNNING}"
    assert result.log is not None
    assert "left running, now killed" in result.log.read_text()
    assert subprocess.run(["pgrep", "-f", "^sleep 653.2"], check=False, capture_output=True).returncode == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
def test_a_stage_with_own_processes_sees_no_others_and_keeps_its_exit_status(tmp_path: Path) -> None:
    script = "test $(ls -d /proc/[0-9]* | wc -l) -lt 6 && pwd && exit 7"
    result = runner.run_one(shell("tidy", script, own_processes=True, cwd=tmp_path))
    assert result.reason == "exit status 7"
    assert result.log is not None
    assert result.log.read_text().strip() == str(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
def test_a_signal_that_ends_a_stage_with_own_processes_is_told() -> None:
    assert runner.run_one(shell("shot", "kill -9 $$", own_processes=True)).reason == "exit status 137"


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
def test_a_stage_with_own_processes_that_does_not_end_is_ended_with_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "KILL_AFTER_S", 1)
    script = f"trap 'touch {tmp_path}/asked' TERM; setsid sleep 652.1 & while :; do wait; done"
    result = runner.run_one(shell("stuck", script, own_processes=True, timeout_s=2))
    assert result.reason == "still running after 2 s, ended"
    assert (tmp_path / "asked").exists(), "it was asked before it was killed"
    assert subprocess.run(["pgrep", "-f", "^sleep 652.1"], check=False, capture_output=True).returncode == 1


def test_without_root_a_stage_with_own_processes_runs_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(leftovers, "GRACE_S", 0.3)
    guard = f"mkdir {tmp_path}/guard && sleep 0.3 && rmdir {tmp_path}/guard"
    untidy = f"{guard} && (setsid sleep 651.2 >/dev/null 2>&1 &)"
    results = runner.run_all([shell("tidy", guard), shell("untidy", untidy, own_processes=True)])
    assert [result.outcome for result in results] == [Outcome.PASSED, Outcome.FAILED]
    assert "left running, now killed" in results[1].reason
    assert "sleep 651.2" in results[1].reason


def test_a_lone_stage_runs_alone(tmp_path: Path) -> None:
    note = f"echo $(date +%s.%N) >> {tmp_path}/$0; sleep 0.4; echo $(date +%s.%N) >> {tmp_path}/$0"
    stages = [
        Stage(name, "test", ["sh", "-c", note, name], alone=name == "lone") for name in ("a", "b", "lone", "c", "d")
    ]
    runner.run_all(stages)
    times = {
        name: [float(line) for line in (tmp_path / name).read_text().split()] for name in ("a", "b", "lone", "c", "d")
    }
    begin, end = times.pop("lone")
    assert all(last <= begin or first >= end for first, last in times.values())
    assert times["b"][0] < times["a"][1], "two that need not be alone run side by side"


def test_stages_with_one_lock_take_turns(tmp_path: Path) -> None:
    guard = f"mkdir {tmp_path}/guard && sleep 0.3 && rmdir {tmp_path}/guard"
    results = runner.run_all([shell(name, guard, lock="same") for name in ("a", "b", "c")])
    assert runner.summary(results) == "3 passed, 0 failed"
