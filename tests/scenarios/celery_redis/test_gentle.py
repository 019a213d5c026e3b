# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``remediate`` without any option: the worker is healed from the server's side, its process is not touched."""

from __future__ import annotations

import time
from pathlib import Path

from scenario_kit.busy_machine import PATIENT_LOOK
from scenario_kit.celery_spin import SpinningWorker
from scenario_kit.conduct_log import conduct_log
from scenario_kit.figures import record
from scenario_kit.kernel_scheduling import start_time, watch_conduct
from scenario_kit.kernel_sockets import half_closed_watches
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.waiting import wait_for

CLOSES = "Close what spins"
DISCONNECTS = "End the connection that it only listens on"


def symptoms(outcome: Outcome) -> list[tuple[str, bool]]:
    actions = outcome.report("plan.json")["actions"]
    return [(action["action"], action["allowed"]) for action in actions if action["stage"] == "symptom"]


def test_the_gentlest_remedy_heals_for_good(spinning: SpinningWorker, tmp_path: Path) -> None:
    site, pid, born = spinning.site, spinning.pid, start_time(spinning.pid)
    old_timeout = site.redis.live_timeout()
    with conduct_log(pid) as log:
        began = time.monotonic()
        outcome = Control(tmp_path / "control").playbook("remediate", **PATIENT_LOOK)
        assert outcome.status == 0, outcome.text
        assert symptoms(outcome) == [("redis_client_kill", True), ("fd_close", False)]
        assert DISCONNECTS in outcome.text
        assert CLOSES not in outcome.text
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
    done = dict(site.ledger.count("done"))
    assert done == dict.fromkeys(site.queued, 1)
    record("celery_redis_gentle", heal_s=healed - began, playbook=outcome.status, done=done)


def test_check_mode_says_what_it_would_do(spinning: SpinningWorker, tmp_path: Path) -> None:
    redis, watch = spinning.site.redis, spinning.watch
    timeout, clients = redis.live_timeout(), redis.command("CLIENT", "LIST")
    outcome = Control(tmp_path / "control").rehearse("remediate", **PATIENT_LOOK)
    assert outcome.status == 0, outcome.text
    assert f"pid {spinning.pid}: would_kill" in outcome.text
    assert redis.live_timeout() == timeout
    listeners = {line.split()[0] for line in clients if "psub=1" in line}
    assert listeners <= {line.split()[0] for line in redis.command("CLIENT", "LIST")}
    assert watch in half_closed_watches(spinning.pid)
    assert watch_conduct(spinning.pid).spins


def test_a_redis_user_who_may_not_disconnect_leaves_it_to_fd_close(spinning: SpinningWorker, tmp_path: Path) -> None:
    redis, pid, born = spinning.site.redis, spinning.pid, start_time(spinning.pid)
    redis.command("ACL", "SETUSER", "operator", "on", ">jD4-scenario", "~*", "&*", "+@all", "-client|kill")
    # The default user keeps what the worker needs, and nobody but the operator may read or set the timeout.
    redis.command("ACL", "SETUSER", "default", "-config", "-client|kill", "-client|list")
    outcome = Control(tmp_path / "control").playbook(
        "remediate",
        closewait_allow="invasive",
        closewait_redis_username="operator",
        closewait_redis_password="jD4-scenario",  # noqa: S106 - of this scenario's own server
        **PATIENT_LOOK,
    )
    assert outcome.status == 0, outcome.text
    assert symptoms(outcome) == [("redis_client_kill", True), ("fd_close", True)]
    assert "the user needs +client|list +client|kill" in outcome.text
    assert f"pid {pid} fd {spinning.watch.number}: closed" in outcome.text
    assert not watch_conduct(pid).spins
    assert spinning.worker.running()
    assert start_time(pid) == born
