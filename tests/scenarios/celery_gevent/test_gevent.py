# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is closed under gevent: without leave to restart the worker is left alone, with it, it is drained."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from scenario_kit.celery_gevent import GreenSpin
from scenario_kit.conduct_log import conduct_log
from scenario_kit.figures import record
from scenario_kit.kernel_scheduling import start_time, watch_conduct
from scenario_kit.kernel_sockets import close_wait_fds, half_closed_watches
from scenario_kit.playbooks import Control
from scenario_kit.waiting import wait_for

DRAIN_S = 12
#: Enough CPU time to tell polling from computing on a loaded machine too; with less, diagnose answers *unknown*.
WINDOW_S = 15


def test_reproduction_no_epoll_set_shows_the_socket(green: GreenSpin) -> None:
    assert watch_conduct(green.pid, 2.0, samples=10).spins
    assert close_wait_fds(green.pid)
    assert half_closed_watches(green.pid) == []


def test_without_leave_to_restart_it_says_not_healed_and_leaves_the_worker(green: GreenSpin, tmp_path: Path) -> None:
    born, fds = start_time(green.pid), close_wait_fds(green.pid)
    control = Control(tmp_path / "control")
    outcome = control.playbook("remediate", closewait_allow="invasive", closewait_window=WINDOW_S)
    assert outcome.status != 0, outcome.text
    finding = outcome.finding(green.pid, "half_closed_spin")
    assert finding["confidence"] != "proven"
    assert green.pid in [left["pid"] for left in outcome.report("plan.json")["not_healed"]]
    assert outcome.report("result.json")["healed"] is False
    assert green.supervisor.pid() == green.pid
    assert start_time(green.pid) == born
    assert set(fds) <= set(close_wait_fds(green.pid))
    assert watch_conduct(green.pid).spins
    assert green.site.undone() == set(green.site.queued)


def test_with_leave_to_restart_the_worker_is_drained_and_its_tasks_are_done(green: GreenSpin, tmp_path: Path) -> None:
    site, supervisor, control = green.site, green.supervisor, Control(tmp_path / "control")

    def release_later() -> None:
        # Longer than supervisord's default stopwaitsecs, so a kill would be seen; and long after Celery has stopped
        # consuming, as in the first second of its shutdown it can lose the message that it takes when a task ends.
        # What comes before that takes most of the playbook's time, so no other bound than its own fits a busy machine.
        wait_for(lambda: "Warm shutdown" in supervisor.output(), control.longest_s, "the worker to be asked to stop")
        time.sleep(DRAIN_S)
        site.release()

    releasing = threading.Thread(target=release_later, daemon=True)
    releasing.start()
    began = time.monotonic()
    outcome = control.playbook("remediate", closewait_allow="disruptive", closewait_window=WINDOW_S)
    took = time.monotonic() - began
    releasing.join(timeout=5)
    assert outcome.status == 0, outcome.text
    new = supervisor.pid()
    assert new not in (0, green.pid)
    assert "SIGKILL" not in supervisor.history()
    assert [scene.name for scene in (tmp_path / "control/scenes").glob(f"*-{green.pid}.tar.gz")]
    assert (site.redis.live_timeout(), site.redis.stored_timeout()) == (0, 0)
    site.wait_until_done(30)
    with conduct_log(new) as log:
        site.queue("quick-5")
        site.wait_until_done(20)
        time.sleep(5)
        assert log.spins_since(0) == []
    record("celery_gevent", playbook_s=took, done=dict(site.ledger.count("done")))
