# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No command and no task is lost, and no connection closed, while the role changes Redis to and fro."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from scenario_kit.celery_worker import CelerySite, celery_worker
from scenario_kit.figures import record
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.steady_clients import SteadyClients
from scenario_kit.waiting import wait_for

APPLY = "../tests/scenarios/redis_timeout_load/apply"
TASKS = 20


def _variables(site: CelerySite) -> dict[str, object]:
    return {"redis_timeout_port": site.redis.port, "redis_timeout_backup_dir": str(site.directory / "backups")}


def _settings(site: CelerySite) -> tuple[int, int]:
    return site.redis.live_timeout(), site.redis.stored_timeout()


def _changed(outcome: Outcome) -> Outcome:
    assert outcome.status == 0, outcome.text
    assert "changed=2 " in outcome.text, outcome.text
    return outcome


def test_nothing_is_lost_while_the_role_is_applied_and_taken_back(
    site: CelerySite, clients: SteadyClients, tmp_path: Path
) -> None:
    control, variables = Control(tmp_path / "control"), _variables(site)
    before, original = _settings(site), site.redis.configuration.read_bytes()
    seen, took = [], []
    with celery_worker(site) as worker:
        connections = clients.connections()
        for number, name in enumerate((APPLY, "rollback", APPLY)):
            site.queue(*(f"quick-{number}-{task}" for task in range(TASKS)))
            counted, began = clients.counted(), time.monotonic()
            _changed(control.playbook(name, closewait_rollback_role="redis_timeout", **variables))
            took.append(round(time.monotonic() - began, 1))
            seen.append(_settings(site))
            assert clients.counted() > counted, "no load while the role ran proves nothing"
            assert clients.connections() == connections
            if name == "rollback":
                assert site.redis.configuration.read_bytes() == original
        site.wait_until_done(20)
        wait_for(lambda: site.waiting_tasks() == 0, 10, "the queue to be empty")
        assert worker.running()
    assert (before, seen) == ((1200, 1200), [(0, 0), (1200, 1200), (0, 0)])
    assert site.ledger.count("done") == Counter(site.queued)
    account = clients.end()
    assert account.pop("blocked") == ["bell", "rung"]
    assert {key: one["errors"] for key, one in account.items() if one["errors"]} == {}
    assert {key: one["done"] for key, one in account.items()} == clients.counts()
    record(
        "redis_timeout_load",
        commands=sum(one["done"] for one in account.values()),
        tasks=len(site.queued),
        longest_command_s=max(one["longest_s"] for one in account.values()),
        playbooks_s=took,
    )


def test_a_closed_connection_would_be_noticed(site: CelerySite, clients: SteadyClients) -> None:
    """The control: were one connection closed, the counts of this scenario would say so."""
    victim = clients.connections()["steady-3"]
    site.redis.command("CLIENT", "KILL", "ID", victim)
    wait_for(lambda: clients.connections().get("steady-3") not in (None, victim), 20, "the client to reconnect")
    account = clients.end()
    assert account["steady:3"]["errors"] != [], account
    assert account["steady:4"]["errors"] == []
