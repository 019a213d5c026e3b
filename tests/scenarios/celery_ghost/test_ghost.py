# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The remedy is in the child; the parent's number now is its healthy broker connection."""

from __future__ import annotations

import time
from pathlib import Path

from scenario_kit.busy_machine import PATIENT_LOOK
from scenario_kit.celery_ghost import HauntedWorker
from scenario_kit.conduct_log import conduct_log
from scenario_kit.figures import record
from scenario_kit.kernel_scheduling import start_time
from scenario_kit.kernel_sockets import ESTABLISHED, ghost_watches, socket_inodes, tcp_states
from scenario_kit.playbooks import Control
from scenario_kit.waiting import wait_for


def test_reproduction_the_parent_spins_on_what_it_no_longer_has(haunted: HauntedWorker) -> None:
    assert haunted.holder != haunted.pid
    assert haunted.ghost.inode not in socket_inodes(haunted.pid).values()
    assert tcp_states()[haunted.broker] == ESTABLISHED


def test_diagnose_names_the_child_that_holds_the_dead_socket(haunted: HauntedWorker, tmp_path: Path) -> None:
    outcome = Control(tmp_path / "control").playbook("diagnose", **PATIENT_LOOK)
    assert outcome.status == 0, outcome.text
    finding = outcome.finding(haunted.pid, "ghost_registration_spin")
    assert finding["confidence"] == "proven"
    targets = [t for remedy in finding["remedy"] if remedy["action"] == "fd_close" for t in remedy["vars"]["targets"]]
    assert [(t["pid"], t["inode"], t["ghost"]) for t in targets] == [(haunted.holder, haunted.ghost.inode, True)]
    assert [f["id"] for f in outcome.findings(haunted.pid)] == ["ghost_registration_spin"]
    # With a child that holds the dead socket, a worker does not survive the end of another connection.
    assert "redis_client_kill" not in [remedy["action"] for remedy in finding["remedy"]]


def test_remediate_closes_in_the_child_and_leaves_the_parent_its_broker(haunted: HauntedWorker, tmp_path: Path) -> None:
    site, pid, born = haunted.site, haunted.pid, start_time(haunted.pid)
    with conduct_log(pid) as log:
        began = time.monotonic()
        outcome = Control(tmp_path / "control").playbook("remediate", closewait_allow="invasive", **PATIENT_LOOK)
        assert outcome.status == 0, outcome.text
        healed = log.last_spin()
        assert healed is not None
        assert socket_inodes(pid)[haunted.ghost.number] == haunted.broker
        assert tcp_states()[haunted.broker] == ESTABLISHED
        assert ghost_watches(pid) == []
        assert start_time(haunted.holder) > 0
        site.queue("quick-5")
        site.release()
        site.wait_until_done(20)
        wait_for(lambda: site.waiting_tasks() == 0, 10, "the queue to be empty")
        assert log.spins_since(healed) == []
    assert haunted.worker.running()
    assert start_time(pid) == born
    assert "Unrecoverable error" not in haunted.worker.tail(100_000)
    record("celery_ghost", heal_s=healed - began, playbook=outcome.status, done=dict(site.ledger.count("done")))
