# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run stages, at most two at a time, and say of each how it ended."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from . import failed_task, first_process, leftovers
from .layout import ROOT, TESTS, log_dir
from .stage import SKIPPED, Outcome, Result, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

WIDTH = 2
COMPLAINTS = ("ERROR:", "FATAL:", "fatal:", "FAILED ", "E  ")  # of ansible-test, ansible, pytest
COMPLAINT_LINES = 30
REASONS = ("ERROR ", "FAILED ", "fatal:", "FATAL:", '"msg":', "msg:")
REASON_LINES = 10
TAIL_LINES = 15
EXCERPT_WIDTH = 300
TASK_WIDTH = 2000
KILL_AFTER_S = 10


def run_all(stages: Sequence[Stage], width: int = WIDTH) -> list[Result]:
    """Run the stages in their order, up to ``width`` side by side; print a line for each as it ends."""
    leftovers.become_subreaper()
    results: list[Result] = []
    pending = list(stages)
    running: dict[Future[Result], Stage] = {}
    with ThreadPoolExecutor(max_workers=width) as pool, leftovers.ended_on_error():
        while pending or running:
            while len(running) < width and (stage := _next(pending, list(running.values()))):
                pending.remove(stage)
                running[pool.submit(run_one, stage)] = stage
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                del running[future]
                results.append(future.result())
                report(results[-1])
    return results


def _next(pending: Sequence[Stage], running: Sequence[Stage]) -> Stage | None:
    """Return the first stage that may start beside those that run; None when it has to wait.

    A stage that wants to be alone is not overtaken by those behind it, else it would wait for ever.
    """
    if any(_alone(stage) for stage in running):
        return None
    for stage in pending:
        if _alone(stage):
            return None if running else stage
        if stage.lock is None or stage.lock not in {other.lock for other in running}:
            return stage
    return None


def _contained(stage: Stage) -> bool:
    return stage.own_processes and os.geteuid() == 0


def _alone(stage: Stage) -> bool:
    """Without a PID namespace, what a stage leaves running is only known when nothing runs beside it."""
    return stage.alone or (stage.own_processes and not _contained(stage))


def run_one(stage: Stage) -> Result:
    """Run one stage to its end or its timeout."""
    if stage.skip is not None:
        return Result(stage, Outcome.SKIPPED, stage.skip, 0.0, None)
    started = time.monotonic()
    log = log_dir() / f"{stage.name.replace('/', '-')}.log"
    reason = _run(stage, log)
    if _alone(stage) and (left := leftovers.end_all()):
        reason = "; ".join(filter(None, [reason, f"left running, now killed: {', '.join(left)}"]))
    outcome = Outcome.FAILED if reason else Outcome.PASSED
    if stage.may_skip and reason == f"exit status {SKIPPED}":
        outcome, reason = Outcome.SKIPPED, _last_line(log)
    return Result(stage, outcome, reason, time.monotonic() - started, log)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "no reason given")[:EXCERPT_WIDTH]


def _run(stage: Stage, log: Path) -> str:
    """Return why the command failed, or an empty string."""
    env = {**os.environ, **stage.env}
    contained = _contained(stage)
    with log.open("wb") as out:
        try:
            process = subprocess.Popen(
                first_process.around(stage.argv, stage.cwd or ROOT) if contained else stage.argv,
                cwd=TESTS if contained else stage.cwd or ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return f"could not be started: {error}"
        return _wait(process, stage.timeout_s)


def _wait(process: subprocess.Popen[bytes], timeout_s: int) -> str:
    try:
        status = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _end_group(process)
        return f"still running after {timeout_s} s, ended"
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return f"exit status {status}" if status else ""


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the stage's processes to end, so that they can clean up, then kill what is left of them."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(KILL_AFTER_S)
    except subprocess.TimeoutExpired:
        with leftovers.watched(leftovers.children_of(process.pid)) as children:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            leftovers.wait_for_end(children, leftovers.KILLED_S)


def report(result: Result) -> None:
    """Print the line of a stage, and what matters of its log when it failed or is to be shown."""
    word = {Outcome.PASSED: "passed ", Outcome.FAILED: "FAILED ", Outcome.SKIPPED: "SKIPPED"}[result.outcome]
    reason = f"  {result.reason}" if result.reason else ""
    print(f"{word}  {result.stage.name:<40} {result.seconds:6.1f} s{reason}", flush=True)
    if result.log is not None and (result.stage.shown or result.outcome is Outcome.FAILED):
        lines = excerpt(result.log.read_text(errors="replace").splitlines())
        print("".join(f"    | {_cut(line)}\n" for line in lines), end="", flush=True)
    if result.outcome is Outcome.FAILED and result.log is not None:
        print(f"    whole log: {result.log}", flush=True)


def excerpt(lines: Sequence[str]) -> list[str]:
    """Return the lines of a log to look at first: complaints, wherever they are in it, then its end."""
    lines = list(failed_task.named(lines))
    body, tail = lines[:-TAIL_LINES], lines[-TAIL_LINES:]
    complaints = [
        line
        for line, following in itertools.pairwise([*body, ""])
        if line.startswith(COMPLAINTS) and following != "...ignoring"  # ansible: a failure that the test wanted
    ]
    return [*complaints[:COMPLAINT_LINES], *tail]


def failures(results: Iterable[Result]) -> str:
    """Return which stages failed and on what, or an empty string; whoever reads only the end sees it."""
    failed = [result for result in results if result.outcome is Outcome.FAILED]
    names = " ".join(result.stage.name for result in failed)
    return "\n".join([*(line for result in failed for line in _reasons(result)), f"failed: {names}"] if failed else [])


def _reasons(result: Result) -> list[str]:
    """Return the lines that say which test of a stage failed and what it saw, headed by the stage's name."""
    lines = result.log.read_text(errors="replace").splitlines() if result.log is not None else []
    pairs = itertools.pairwise(["", *failed_task.named(lines)])
    reasons = [line for before, line in pairs if _bare(line).startswith(REASONS) or _begins_error(before, line)]
    shown = (f"    | {_cut(line)}" for line in reasons[:REASON_LINES])
    return [f"{result.stage.name}: {result.reason}", *shown]


def _begins_error(before: str, line: str) -> bool:
    """Whether pytest begins to say here what a test saw: an exception, and whatever text it carries."""
    return line.startswith("E  ") and not before.startswith("E  ")


def _cut(line: str) -> str:
    """Return as much of a line as is printed; what a failed task saw stands in one line."""
    return line[: TASK_WIDTH if line.startswith("fatal: [") else EXCERPT_WIDTH]


def _bare(line: str) -> str:
    """Return a line of a playbook's output without what pytest puts before it in the message of an assertion."""
    return line.removeprefix("E  ").lstrip() if line.startswith("E  ") else line


def summary(results: Iterable[Result]) -> str:
    """Return ``N passed, N failed``, with ``, N skipped`` when there were any."""
    count = Counter(result.outcome for result in results)
    text = f"{count[Outcome.PASSED]} passed, {count[Outcome.FAILED]} failed"
    return f"{text}, {count[Outcome.SKIPPED]} skipped" if count[Outcome.SKIPPED] else text
