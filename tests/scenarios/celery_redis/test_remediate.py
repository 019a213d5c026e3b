# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``remediate`` removes the cause, heals the running process through gdb, and the work goes on."""

from __future__ import annotations

import time
from pathlib import Path

from scenario_kit.busy_machine import PATIENT_LOOK
from scenario_kit.celery_spin import SpinningWorker
from scenario_kit.conduct_log import conduct_log
from scenario_kit.figures import record
from scenario_kit.kernel_scheduling import start_time
from scenario_kit.kernel_sockets import half_closed_watches
from scenario_kit.playbooks import Control
from scenario_kit.waiting import wait_for


def test_remediate_heals_the_running_worker_for_good(spinning: SpinningWorker, tmp_path: Path) -> None:
    site, pid, born = spinning.site, spinning.pid, start_time(spinning.pid)
    old_timeout = site.redis.live_timeout()
    with conduct_log(pid) as log:
        began = time.monotonic()
        outcome = Control(tmp_path / "control").playbook(
            "remediate", closewait_allow="invasive", closewait_forbid=["redis_client_kill"], **PATIENT_LOOK
        )
        assert outcome.status == 0, outcome.text
        assert f"pid {pid} fd {spinning.watch.number}: closed" in outcome.text
        healed, ended = log.last_spin(), time.monotonic()
        assert healed is not None
        assert ended - healed > old_timeout, "it was to be calm for as long as the playbook waited"
        assert (site.redis.live_timeout(), site.redis.stored_timeout()) == (0, 0)
        # The gates are still closed: one task runs and one is reserved, which is what made it spin.
        time.sleep(max(0.0, healed + 3 * old_timeout - time.monotonic()))
        assert log.spins_since(healed) == []
        assert half_closed_watches(pid) == []
        site.queue("quick-5")
        site.release()
        site.wait_until_done(20)
        wait_for(lambda: site.waiting_tasks() == 0, 10, "the queue to be empty")
        assert log.spins_since(healed) == []
    assert spinning.worker.running()
    assert start_time(pid) == born
    record("celery_redis", heal_s=healed - began, playbook=outcome.status, done=dict(site.ledger.count("done")))
