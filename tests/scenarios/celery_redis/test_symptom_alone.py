# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control: closing the descriptor without removing the cause helps for a few seconds."""

from __future__ import annotations

import time
from pathlib import Path

from scenario_kit.celery_spin import SpinningWorker, wait_for_spin
from scenario_kit.figures import record
from scenario_kit.kernel_scheduling import start_time, watch_conduct
from scenario_kit.playbooks import Control
from scenario_kit.waiting import wait_for


def test_fd_close_alone_is_undone_by_the_next_timeout(spinning: SpinningWorker, tmp_path: Path) -> None:
    timeout, watch = spinning.site.redis.live_timeout(), spinning.watch
    target = {"pid": spinning.pid, "start_time": start_time(spinning.pid), "fd": watch.number, "inode": watch.inode}
    peer = f"127.0.0.1:{spinning.site.redis.port}"
    closed = Control(tmp_path / "control").module("fd_close", {"targets": [{**target, "peer": peer, "ghost": False}]})
    assert [result["outcome"] for result in closed["results"]] == ["closed"], closed
    wait_for(lambda: not watch_conduct(spinning.pid, 0.5).spins, 5, "the worker to be calm")
    calm = time.monotonic()
    again = wait_for_spin(spinning.worker, timeout + 8)
    record("celery_redis_symptom_alone", spins_again_s=time.monotonic() - calm)
    assert again.inode != watch.inode
    assert spinning.worker.running()
