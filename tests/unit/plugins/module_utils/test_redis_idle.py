# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a timeout would close, from what real servers answered (captured/redis_members.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import client_list as redis_client_list
from ansible_collections.closewait.remediation.plugins.module_utils._redis import idle as redis_idle
from ansible_collections.closewait.remediation.plugins.module_utils._redis.client_list import Client

ANSWERS = json.loads((Path(__file__).parent / "captured" / "redis_members.json").read_text())
OLD = "id=7 addr=10.0.0.9:4711 fd=8 name=pool age=900 idle=812 flags=N db=0 sub=0 psub=0 multi=-1 events=r cmd=get\n"


def _client(idle: int, flags: str = "N", number: int = 1) -> Client:
    return Client(number, "10.0.0.9:%d" % (4000 + number), "", idle + 5, idle, flags)


@pytest.mark.parametrize(
    ("version", "flags"),
    [("redis 7.0.15", ["P", "S", "O", "b", "N", "P", "PU", "N"]), ("valkey 8.0.1", ["S", "P", "b", "O", "N"])],
)
def test_every_line_is_read(version: str, flags: list[str]) -> None:
    found = redis_client_list.parse(ANSWERS[version]["client list"])
    assert [client.flags for client in found] == flags
    assert [redis_idle.exempt(client) for client in found] == [flag != "N" for flag in flags]


def test_the_primary_of_a_replica_is_exempt() -> None:
    for version in sorted(ANSWERS):
        found = redis_client_list.parse(ANSWERS[version]["replica client list"])
        primaries = [one for one in found if "M" in one.flags]
        assert [redis_idle.exempt(one) for one in primaries] == [True]


def test_the_path_of_a_unix_socket_may_hold_spaces() -> None:
    found = redis_client_list.parse(ANSWERS["redis 7.0.15"]["client list"])
    assert [client.addr for client in found if "U" in client.flags] == ["/srv/m/so ck:0"]


@pytest.mark.parametrize(
    ("idle", "flags", "timeout", "closed"),
    [
        (5, "N", 4, True),
        (5, "N", 5, False),  # idle for more than the timeout, not for as long
        (5, "N", 0, False),
        (5, "x", 4, True),  # in a transaction
        (5, "t", 4, True),  # tracking
        (5, "PU", 4, False),
        (5, "b", 4, False),
        (5, "S", 4, False),
        (5, "O", 4, False),
        (5, "M", 4, False),
    ],
)
def test_whom_a_timeout_closes(idle: int, flags: str, timeout: int, *, closed: bool) -> None:
    assert bool(redis_idle.beyond([_client(idle, flags)], timeout)) is closed


def test_figures_are_exact_and_samples_are_cut() -> None:
    found = [_client(idle, number=idle) for idle in range(40)] + [_client(9999, "P")]
    figures = redis_idle.figures(found, 9)
    longest = figures.pop("longest")
    assert figures == {"clients": 41, "exempt": 1, "longest_s": 39, "beyond": 30, "omitted": 10}
    assert [row["idle"] for row in longest] == list(range(39, 19, -1))
    assert longest[0] == {"id": 39, "addr": "10.0.0.9:4039", "name": "", "age": 44, "idle": 39, "flags": "N"}


def test_the_sentence_has_figures_and_ends() -> None:
    said = redis_idle.sentence([*redis_client_list.parse(OLD), *(_client(30, number=n) for n in range(9))], 20)
    assert said is not None
    assert said.startswith("timeout 20 closes 10 of 10 clients at once")
    assert "10.0.0.9:4711 (pool) age 900 s idle 812 s" in said
    assert said.endswith("and others")
    assert redis_idle.sentence([_client(5)], 20) is None
