# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Negative control: the worker that spins under a long task has half-closed connections and is calm without one."""

from __future__ import annotations

from pathlib import Path

from scenario_kit.celery_gevent import green_worker
from scenario_kit.celery_worker import CelerySite
from scenario_kit.kernel_scheduling import watch_conduct
from scenario_kit.kernel_sockets import close_wait_fds
from scenario_kit.playbooks import Control
from scenario_kit.waiting import wait_for


def test_the_same_worker_idle_is_healthy(site: CelerySite, tmp_path: Path) -> None:
    with green_worker(site) as supervisor:
        pid = supervisor.pid()
        site.queue("quick-1", "quick-2")
        site.wait_until_done(30)
        wait_for(
            lambda: close_wait_fds(pid), 4 * site.redis.live_timeout() + 20, "idle connections to be closed by Redis"
        )
        assert not watch_conduct(pid).spins
        outcome = Control(tmp_path / "control").playbook("diagnose")
        assert close_wait_fds(pid), "it was to have half-closed connections all the while"
        assert supervisor.pid() == pid
    assert outcome.status == 0, outcome.text
    host = outcome.report("diagnosis.json")["hosts"]["localhost"]
    assert host["findings"] == []
    assert host["verdict"] == "healthy", host
