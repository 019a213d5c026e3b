# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role sets outlives a failover, and what it warns of before one is what then happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scenario_kit.playbooks import Control, Outcome
from scenario_kit.sentinel_group import SentinelGroup

APPLY = "../tests/scenarios/redis_sentinel/apply"
TIMEOUT_S = 1200


class _Role:
    """The role as somebody uses it who has these programs and this Sentinel."""

    def __init__(self, group: SentinelGroup, directory: Path) -> None:
        self._control = Control(directory / "control")
        self._members = [{"port": port} for port in group.configurations]
        self._variables = {
            "redis_timeout_redis_cli": group.programs.client,
            "redis_timeout_redis_server": group.programs.server,
            "redis_timeout_sentinel_host": "127.0.0.1",
            "redis_timeout_sentinel_port": group.sentinels[0],
            "redis_timeout_backup_dir": str(directory / "backups"),
        }

    def apply(self, *instances: dict[str, Any], seconds: int = 0) -> Outcome:
        return self._play(APPLY, redis_timeout_seconds=seconds, redis_timeout_instances=list(instances))

    def take_back(self, port: int) -> Outcome:
        subject = {"closewait_rollback_role": "redis_timeout", "closewait_rollback_subject": f"127.0.0.1:{port}"}
        return self._play("rollback", redis_timeout_instances=self._members, **subject)

    def _play(self, name: str, **variables: Any) -> Outcome:
        return self._control.playbook(name, **self._variables, **variables)


def _words(outcome: Outcome) -> str:
    """What it printed, on one line, for Ansible wraps its warnings."""
    return " ".join(outcome.text.split())


def _timeouts(group: SentinelGroup, *ports: int) -> list[tuple[int, int]]:
    return [(group.members[port].live_timeout(), group.members[port].stored_timeout()) for port in ports]


def test_what_all_members_were_given_outlives_a_failover(group: SentinelGroup, tmp_path: Path) -> None:
    role, own, (first, second) = _Role(group, tmp_path), tmp_path / "own.conf", group.configurations
    everywhere: list[dict[str, Any]] = [{"port": first}, {"port": second, "include_file": str(own)}]
    done = role.apply(*everywhere)
    assert (done.status, "changed=4 " in done.text) == (0, True), done.text
    assert "of the same replication" not in _words(done)
    kept = own.read_bytes()

    group.fail_over(first, second)
    assert group.members[second].live_timeout() == 0
    group.come_back(first)
    assert _timeouts(group, first, second) == [(0, 0), (0, 0)]
    assert own.read_bytes() == kept

    again = role.apply(*everywhere)
    assert (again.status, "changed=0 " in again.text) == (0, True), again.text
    assert "of the same replication" not in _words(again)


def test_what_a_replica_was_not_given_is_warned_of_and_comes_true(redis_group: SentinelGroup, tmp_path: Path) -> None:
    group, role, (first, second) = redis_group, _Role(redis_group, tmp_path), redis_group.configurations
    done = role.apply({"port": first})
    assert done.status == 0, done.text
    assert f"127.0.0.1:{second} (replica) of the same replication still has timeout {TIMEOUT_S}" in _words(done)

    group.fail_over(first, second)
    assert group.members[second].live_timeout() == TIMEOUT_S

    refused = role.apply({"port": second}, {"port": first}, {"port": group.sentinels[0]})
    assert refused.status == 2, refused.text
    assert f"127.0.0.1:{first} - cannot connect" in _words(refused)
    assert f"127.0.0.1:{group.sentinels[0]} - a Sentinel answers there" in _words(refused)
    assert "No instance was changed." in _words(refused)
    assert _timeouts(group, second) == [(TIMEOUT_S, TIMEOUT_S)]

    # The new primary has forgotten the dead one, its Sentinel has not.
    repaired = role.apply({"port": second})
    assert repaired.status == 0, repaired.text
    assert f"127.0.0.1:{first} of the same replication could not be asked" in _words(repaired)
    group.come_back(first)
    assert _timeouts(group, first, second) == [(0, 0), (0, 0)]

    # Its Sentinels had the file of the old primary written anew, so what was recorded is not what is there.
    taken_back = role.take_back(first)
    assert taken_back.status == 2, taken_back.text
    assert "somebody else changed that" in _words(taken_back)
    assert _timeouts(group, first) == [(0, 0)]
