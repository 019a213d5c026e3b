# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a replication, from what real servers and a Sentinel answered (captured/redis_members.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import replication as redis_replication
from ansible_collections.closewait.remediation.plugins.module_utils._redis import reply as redis_reply
from ansible_collections.closewait.remediation.plugins.module_utils._redis import sentinel as redis_sentinel
from ansible_collections.closewait.remediation.plugins.module_utils._redis.replication import Known, Place
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError

ANSWERS = json.loads((Path(__file__).parent / "captured" / "redis_members.json").read_text())


@pytest.mark.parametrize(
    ("version", "answer", "role", "places"),
    [
        ("redis 7.0.15", "info", "primary", [Place("127.0.0.1", 17992)]),
        ("redis 7.0.15", "replica info", "replica", [Place("127.0.0.1", 17990)]),
        ("valkey 8.0.1", "info", "primary", [Place("127.0.0.1", 17994)]),
        ("valkey 8.0.1", "replica info", "replica", [Place("127.0.0.1", 17993)]),
    ],
)
def test_who_is_beside_it(version: str, answer: str, role: str, places: list[Place]) -> None:
    info = redis_reply.info_fields(ANSWERS[version][answer])
    assert redis_replication.role(info) == role
    assert redis_replication.neighbours(info) == places


@pytest.mark.parametrize(
    ("info", "places"),
    [
        ({"role": "slave", "master_host": "no-one", "master_port": "0"}, []),
        (
            {"role": "master", "slave0": "ip=10.0.0.2,port=1,state=online", "slave11": "ip=::1,port=2"},
            [("10.0.0.2", 1), ("::1", 2)],
        ),
        (
            {"role": "slave", "master_host": "db", "master_port": "3", "slave0": "ip=10.0.0.2,port=1"},
            [("db", 3), ("10.0.0.2", 1)],
        ),
        ({"role": "master", "slave_priority": "100", "slave0": "?"}, []),
    ],
)
def test_chains_gaps_and_names(info: dict[str, str], places: list[tuple[str, int]]) -> None:
    assert redis_replication.neighbours(info) == [Place(*place) for place in places]


def test_what_a_sentinel_knows() -> None:
    said = ANSWERS["redis 7.0.15"]
    primaries = redis_replication.known(said["sentinel masters"])
    run = redis_reply.info_fields(said["info"])["run_id"]
    assert primaries == [Known("mymaster", Place("127.0.0.1", 17990), run)]
    replicas = redis_replication.known(said["sentinel slaves"] + said["sentinel slaves"].replace("17992", "17999"))
    assert [known.place.port for known in replicas] == [17992, 17999]
    assert redis_replication.known("(empty array)\n") == []


class Answering:
    """A server whose INFO is known."""

    def __init__(self, info: dict[str, str]) -> None:
        self._info = info

    def info(self) -> dict[str, str]:
        if not self._info:
            raise RedisError("forbidden", "NOPERM")
        return self._info


@pytest.mark.parametrize(
    ("kind", "info", "expected"),
    [
        ("no_command", redis_reply.info_fields(ANSWERS["redis 7.0.15"]["sentinel info"]), "sentinel"),
        ("no_command", {"server_mode": "sentinel"}, "sentinel"),
        ("no_command", redis_reply.info_fields(ANSWERS["valkey 8.0.1"]["info"]), "no_command"),
        ("no_command", {}, "no_command"),
        ("forbidden", {"redis_mode": "sentinel"}, "forbidden"),
    ],
)
def test_a_sentinel_is_called_one(kind: str, info: dict[str, str], expected: str) -> None:
    assert redis_sentinel.explained(RedisError(kind, "said"), Answering(info)).kind == expected
