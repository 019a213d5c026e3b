# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A longer ``stopwaitsecs`` costs the running task when it is applied as usual, and none when the role applies it."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scenario_kit.busy_worker import OLD_STOPWAITSECS, BusyWorker
from scenario_kit.figures import record
from scenario_kit.playbooks import Control
from scenario_kit.waiting import wait_for

APPLY = "../tests/scenarios/supervisor_drain/apply"
NEW = "stopwaitsecs=600 ; too short"


def test_the_usual_way_kills_the_running_task(busy: BusyWorker) -> None:
    """The control: were the role to do no more than this, tasks would be lost."""
    running = set(busy.site.ledger.count("started"))
    old = busy.configuration.read_text()
    busy.configuration.write_text(old.replace(f"stopwaitsecs={OLD_STOPWAITSECS} ", "stopwaitsecs=600 "))
    assert "export: changed" in busy.supervisorctl("reread")
    assert "export: updated process group" in busy.supervisorctl("update")
    busy.site.release()
    rest = set(busy.site.queued) - running
    # What the worker had reserved stays unacknowledged for the hour of Redis's visibility timeout.
    wait_for(lambda: len(rest - busy.site.undone()) >= len(rest) - 1, 40, "the next worker to do the rest")
    assert running <= busy.site.undone()
    assert "with SIGKILL" in busy.supervisor.history()
    record("supervisor_drain_naive", tasks=len(busy.site.queued), lost=len(busy.site.undone()))


@pytest.mark.parametrize("drain_by", ["auto", "signal"])
def test_the_role_loses_nothing(busy: BusyWorker, tmp_path: Path, drain_by: str) -> None:
    original, first = busy.configuration.read_bytes(), busy.supervisor.pid()
    variables = {
        "supervisor_stopwait_programs": [{"name": "worker", "stopwaitsecs": 600}],
        "supervisor_stopwait_config_file": str(busy.configuration),
        "supervisor_stopwait_backup_dir": str(tmp_path / "backups"),
        "supervisor_stopwait_drain_by": drain_by,
    }
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        run = pool.submit(Control(tmp_path / "control").playbook, APPLY, **variables)
        wait_for(lambda: run.done() or NEW in busy.configuration.read_text(), 60, "the role to write the file")
        # Longer than the usual way would have let it live.
        time.sleep(OLD_STOPWAITSECS + 2)
        assert not run.done(), run.result().text
        assert busy.supervisor.pid() == first
        busy.site.queue("quick-7", "quick-8")
        busy.site.release()
        outcome = run.result()
    assert outcome.status == 0, outcome.text
    assert "changed=2 " in outcome.text, outcome.text
    busy.site.wait_until_done(40)
    wait_for(lambda: busy.site.waiting_tasks() == 0, 20, "the queue to be empty")
    assert busy.site.ledger.count("done") == Counter(busy.site.queued)
    assert busy.site.ledger.count("started") == Counter(busy.site.queued)
    assert busy.supervisor.pid() not in (0, first)
    assert "SIGKILL" not in busy.supervisor.history()
    assert busy.configuration.read_bytes() == original.replace(b"stopwaitsecs=2 ", b"stopwaitsecs=600 ")
    assert busy.supervisorctl("reread") == "No config updates to processes\n"
    record("supervisor_drain", drain_by=drain_by, tasks=len(busy.site.queued), lost=0, took_s=time.monotonic() - began)
