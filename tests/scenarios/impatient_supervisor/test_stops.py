# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stop in the middle of a task: what supervisord does to it, what is left, what is found, and what cures it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scenario_kit.busy_worker import BusyWorker, busy_worker
from scenario_kit.figures import record
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.redis_server import RedisServer
from scenario_kit.supervised import NAME
from scenario_kit.waiting import wait_for

DEFAULTS: tuple[str, ...] = ()


def _diagnose(directory: Path) -> Outcome:
    outcome = Control(directory / "control").playbook("diagnose")
    assert outcome.status == 0, outcome.text
    return outcome


def _found(outcome: Outcome) -> list[str]:
    host = outcome.report("diagnosis.json")["hosts"]["localhost"]
    assert host["unknown"] == [], outcome.text
    return [finding["id"] for finding in host["findings"]]


def _left_running() -> list[int]:
    """The programs that tasks have started and nobody looks after."""
    listed = subprocess.run(["pgrep", "-P", "1", "-x", "sleep"], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def _started_anew(busy: BusyWorker, old: int) -> None:
    wait_for(lambda: busy.supervisor.pid() not in (0, old), 30, "supervisord to run another worker")


def _waits(busy: BusyWorker) -> int:
    """How often supervisord has said, of this stop and those before it, that it waits for the worker."""
    return busy.supervisor.history().count("waiting for worker to stop")


def test_default_patience_kills_the_task_and_leaves_its_program_behind(redis: RedisServer, tmp_path: Path) -> None:
    with busy_worker(redis, tmp_path, DEFAULTS, ("driver-1", "gated-2", "gated-3", "gated-4")) as busy:
        first = busy.supervisor.pid()
        busy.supervisorctl("restart", NAME)
        _started_anew(busy, first)
        assert "with SIGKILL" in busy.supervisor.history(), "the incident did not happen"
        wait_for(lambda: busy.site.ledger.count("started")["gated-3"], 40, "the next worker to take the next free task")
        # What the first worker had taken stays unacknowledged for the hour of Redis's visibility timeout.
        assert not {"driver-1", "gated-2"} & set(busy.site.ledger.count("done"))
        # The next one acknowledges gated-3 as it starts it, and only then takes gated-4, the second of the two.
        wait_for(lambda: busy.site.unacknowledged() >= 2, 20, "a task of each worker to be unacknowledged")
        [orphan] = _left_running()
        outcome = _diagnose(tmp_path)
        _check_diagnosis(outcome, orphan)
        # What the finding advises to do by hand.
        os.kill(orphan, signal.SIGTERM)
        _cure(busy, tmp_path)


def _check_diagnosis(outcome: Outcome, orphan: int) -> None:
    assert sorted(_found(outcome)) == ["impatient_supervisor", "orphaned_workers"], outcome.text
    hasty, left = sorted(outcome.report("diagnosis.json")["hosts"]["localhost"]["findings"], key=lambda row: row["id"])
    assert (hasty["confidence"], hasty["evidence"]["kills_total"]) == ("proven", 1)
    assert hasty["cause"]["value"] == 10
    assert (left["process"]["pid"], left["confidence"]) == (orphan, "suspected")
    assert f"kill -TERM {orphan}" in left["remedy"][0]["why"]
    [step] = outcome.report("plan.json")["actions"]
    assert (step["action"], step["allowed"]) == ("supervisor_stopwait", False)
    print(outcome.text)


def _cure(busy: BusyWorker, directory: Path) -> None:
    """The role waits for the running task, and the next stop does as well."""
    options = {"closewait_allow": "disruptive", "closewait_verify_seconds": 1}
    with ThreadPoolExecutor() as pool:
        run = pool.submit(Control(directory / "cure").playbook, "remediate", **options)
        wait_for(lambda: run.done() or "stopwaitsecs=600" in busy.configuration.read_text(), 90, "the file to change")
        busy.site.release()  # it has taken the one after that as well
        outcome = run.result()
    assert outcome.status == 0, outcome.text
    [row] = outcome.report("result.json")["hosts"]["localhost"]["subjects"]
    assert (row["finding"], row["healed"]) == ("impatient_supervisor", True)
    busy.site.queue("gated-5")
    wait_for(lambda: busy.site.ledger.count("started")["gated-5"], 40, "the drained worker's successor to work")
    kills, waits, old = busy.supervisor.history().count("with SIGKILL"), _waits(busy), busy.supervisor.pid()
    with ThreadPoolExecutor() as pool:
        stop = pool.submit(busy.supervisorctl, "restart", NAME)
        wait_for(lambda: _waits(busy) > waits, 20, "the stop to begin")
        busy.site.ledger.open_gate("gated-5")
        stop.result()
    _started_anew(busy, old)
    assert busy.site.ledger.count("done") == Counter(["gated-3", "gated-4", "gated-5"])
    assert busy.supervisor.history().count("with SIGKILL") == kills == 1
    assert _found(_diagnose(directory)) == []
    record("impatient_supervisor", killed=kills, lost=len(busy.site.undone()))


def test_enough_patience_is_no_finding(redis: RedisServer, tmp_path: Path) -> None:
    """A control: the same stop in the middle of a task, which is finished."""
    with busy_worker(redis, tmp_path, ("stopwaitsecs=600",), ("gated-1",)) as busy:
        old = busy.supervisor.pid()
        with ThreadPoolExecutor() as pool:
            stop = pool.submit(busy.supervisorctl, "restart", NAME)
            wait_for(lambda: "waiting for worker to stop" in busy.supervisor.history(), 20, "the stop to begin")
            busy.site.release()
            stop.result()
        _started_anew(busy, old)
        busy.site.wait_until_done(20)
        assert "SIGKILL" not in busy.supervisor.history()
        outcome = _diagnose(tmp_path)
        assert _found(outcome) == []
        assert outcome.report("diagnosis.json")["hosts"]["localhost"]["verdict"] == "healthy"


def test_a_signal_to_the_whole_group_is_wrong_although_it_exits_0(redis: RedisServer, tmp_path: Path) -> None:
    with busy_worker(redis, tmp_path, ("stopwaitsecs=600", "stopasgroup=true"), ("gated-1",)) as busy:
        old = busy.supervisor.pid()
        busy.supervisorctl("restart", NAME)
        _started_anew(busy, old)
        assert "exit status 0" in busy.supervisor.history()
        assert "SIGKILL" not in busy.supervisor.history()
        assert busy.site.undone() == {"gated-1"}, "the incident did not happen"
        outcome = _diagnose(tmp_path)
        assert _found(outcome) == ["impatient_supervisor"]
        [finding] = outcome.report("diagnosis.json")["hosts"]["localhost"]["findings"]
        assert "stopasgroup=true" in finding["title"]
        assert finding["remedy"][0]["vars"]["programs"][0]["stopasgroup"] is False
