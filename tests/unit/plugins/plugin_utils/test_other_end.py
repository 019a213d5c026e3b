# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection from both ends."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _other_end
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._peers import WILDCARDS
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Connection
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, only, scene

HOLDER = {"pid": 812, "start_time": 4021, "fd": 6, "name": "redis-server"}
OURS = (make.HERE, 50123)
THEIRS = (make.THERE, make.REDIS_PORT)
LEFT = {"netns": 7, "local": make.endpoint(THEIRS), "remote": make.endpoint(OURS), "state": "FIN_WAIT2"}


def listener(**changed: Any) -> make.Fact:
    return {
        "netns": 7,
        "address": WILDCARDS[0],
        "port": make.REDIS_PORT,
        "inode": 5,
        "holders": [HOLDER],
        **changed,
    }


def server(*left: make.Fact, listening: make.Fact | None = None, **changed: Any) -> make.Fact:
    sockets = [listening or listener()]
    tcp = make.tcp(
        addresses=[make.THERE],
        close_wait=make.close_wait([], []),
        watchers=make.watchers(),
        listeners={"sockets": sockets, "omitted": 0},
        closing=make.closing(*left, **changed),
    )
    return make.server(tcp=tcp)


def seen(other: make.Fact, ours: tuple[str, int] | None = OURS) -> dict[str, Any]:
    connection = Connection(make.NETNS, make.endpoint(ours) if ours else None, make.endpoint(THEIRS))  # type: ignore[arg-type]
    return _other_end.view(scene(make.worker(), {make.REDIS_HOST: other}), connection)


def test_what_the_server_has_left_of_it() -> None:
    view = seen(server(LEFT))
    assert view == {
        "host": make.REDIS_HOST,
        "process": {"pid": 812, "name": "redis-server"},
        "socket": "FIN_WAIT2",
        "reason": "",
    }
    assert _other_end.told(view) == "other end: redis-server (812) on larder; it is in FIN_WAIT2 there"


@pytest.mark.parametrize(
    "left",
    [
        {**LEFT, "remote": make.endpoint((make.HERE, 50124))},
        {**LEFT, "local": make.endpoint((make.THERE, 1))},
        {**LEFT, "remote": make.endpoint(("198.51.100.41", 50123))},
    ],
)
def test_another_connection_is_not_taken_for_it(left: make.Fact) -> None:
    view = seen(server(left))
    assert (view["socket"], view["reason"]) == (None, _other_end.NOT_LISTED)
    assert "address is translated" in _other_end.told(view)


def test_an_address_in_ipv6_dress_is_the_same() -> None:
    mapped = {**LEFT, "local": {"address": f"::ffff:{make.THERE}", "port": make.REDIS_PORT}}
    assert seen(server(mapped))["socket"] == "FIN_WAIT2"


def test_a_cut_list_proves_nothing() -> None:
    view = seen(server(total=9, omitted=9))
    assert (view["socket"], view["reason"]) == (None, "9 connections that it has closed were cut off its list")


def test_not_gathered_is_not_over() -> None:
    other = server()
    del other["tcp"]["closing"]
    assert seen(other)["reason"] == "what it has left of the connection was not looked at"
    assert seen(server(LEFT), ours=None)["reason"] == "what it has left of the connection was not looked at"


def test_who_listens_is_not_guessed() -> None:
    two = listener(holders=[HOLDER, {**HOLDER, "pid": 9, "name": "haproxy"}])
    assert seen(server(LEFT, listening=two))["process"] is None
    elsewhere = listener(address="198.51.100.99")
    assert seen(server(LEFT, listening=elsewhere))["process"] is None
    assert seen(server(LEFT, listening=listener(port=1)))["process"] is None


def test_a_host_that_was_not_looked_at_is_not_guessed() -> None:
    view = _other_end.view(
        scene(make.worker(), {}),
        Connection(make.NETNS, make.endpoint(OURS), make.endpoint(THEIRS)),  # type: ignore[arg-type]
    )
    assert (view["host"], view["process"], view["socket"]) == (None, None, None)
    assert _other_end.told(view).startswith("other end not seen: no looked-at host has the address")


def test_the_finding_shows_it() -> None:
    finding = only(ask("half_closed_spin", make.worker(), {make.REDIS_HOST: server(LEFT)}))
    assert finding["evidence"]["other_end"]["socket"] == "FIN_WAIT2"
    assert finding["evidence"]["told"] == ["other end: redis-server (812) on larder; it is in FIN_WAIT2 there"]
