# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that the server has reset is named, the server keeps new ones for longer, and the worker gets a new one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from scenario_kit.database_worker import DatabaseWorker
from scenario_kit.figures import record
from scenario_kit.kernel_scheduling import start_time
from scenario_kit.kernel_sockets import socket_inodes
from scenario_kit.playbooks import Control

ID = "idle_database_connection"
#: Idle for so long counts as much, for the test has no half of a timeout to wait.
SOON_S = 3


def variables(worker: DatabaseWorker, canary: str) -> dict[str, Any]:
    """What an operator of this site sets."""
    return {
        "closewait_allow": "disruptive",
        "closewait_mysql_file": str(worker.database.more_options),
        "closewait_verify_commands": [worker.canary(canary)],
    }


def test_a_reset_session_is_named_and_healed_for_good(held: DatabaseWorker, tmp_path: Path) -> None:
    database, pid, main = held.database, held.pool_process(), held.supervisor.pid()
    born, [fd], before = start_time(pid), held.unlisted_fds(), database.live_timeout()
    inode = socket_inodes(pid)[fd]
    began = time.monotonic()
    control = Control(tmp_path / "control")
    outcome = control.playbook("remediate", **variables(held, "canary-1"))
    took = time.monotonic() - began
    assert outcome.status == 0, outcome.text
    finding = outcome.finding(pid, ID)
    assert finding["process"]["start_time"] == born
    assert [(row["fd"], row["inode"]) for row in finding["evidence"]["reset"]] == [(fd, inode)]
    assert finding["evidence"]["reset"][0]["peer"] == f"127.0.0.1:{database.port}"
    # The kernel does not keep when it was reset, and an idle pool entry looks the same.
    assert finding["confidence"] == "suspected"
    assert any("pool" in unknown for unknown in finding["unknowns"])
    cause = finding["cause"]
    assert (cause["status"], cause["service"], cause["setting"], cause["value"]) == (
        "likely",
        "mariadb",
        "wait_timeout",
        before,
    )
    done = [(action["action"], action["allowed"]) for action in outcome.report("plan.json")["actions"]]
    assert done == [("mysql_timeout", True), ("worker_restart", True)]
    assert database.live_timeout() == database.stored_timeout() > 2 * before
    assert held.supervisor.pid() not in (0, main)
    assert held.ledger.count("done")["canary-1"] == 1
    # Idle for longer than the old timeout, which is what broke it.
    database.wait_until_idle(before + 2)
    assert held.unlisted_fds() == []
    held.queue("second")
    assert held.wait_for_outcome("second") == "done"
    record("database_idle", playbook_s=took, timeout_before=before, timeout_now=database.live_timeout())
    again = Control(tmp_path / "again").playbook("remediate", **variables(held, "canary-2"))
    assert again.status == 0, again.text
    assert again.report("plan.json")["actions"] == []
    assert "changed=0" in again.text


def test_a_held_session_is_named_before_the_server_ends_it_and_when_it_was_killed(
    patient: DatabaseWorker, tmp_path: Path
) -> None:
    pid = patient.pool_process()
    patient.database.wait_until_idle(SOON_S)
    soon = {"database_idle_share": SOON_S / patient.database.live_timeout()}
    finding = Control(tmp_path / "held").playbook("diagnose", closewait_thresholds=soon).finding(pid, ID)
    assert (finding["confidence"], finding["severity"]) == ("likely", "medium")
    assert (finding["evidence"]["reset"], finding["evidence"]["closed"]) == ([], [])
    assert [session["user"] for session in finding["evidence"]["held"]] == ["shop"]
    patient.database.kill_sessions()
    fds = patient.wait_for_half_closed()
    finding = Control(tmp_path / "killed").playbook("diagnose").finding(pid, ID)
    assert [row["fd"] for row in finding["evidence"]["closed"]] == fds
    assert (finding["confidence"], finding["severity"]) == ("suspected", "low")
    assert finding["cause"]["status"] == "refuted", "wait_timeout had nothing to do with it"
    assert [remedy["action"] for remedy in finding["remedy"]] == ["worker_restart", "advice"]
