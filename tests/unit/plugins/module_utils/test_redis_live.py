# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting live values, and what happens when the server does not play along."""

from __future__ import annotations

from typing import Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import live as redis_live
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError


class Server:
    """A server in memory. ``deny``: a parameter that may not be set; ``stuck``: one that takes no new value."""

    def __init__(self, timeout: str = "1207", keepalive: str = "311", deny: str = "", stuck: str = "") -> None:
        self.values = {"timeout": timeout, "tcp-keepalive": keepalive}
        self.deny = deny
        self.stuck = stuck
        self.commands: list[tuple[str, int]] = []

    def config_get(self, name: str) -> Optional[str]:
        return self.values.get(name)

    def config_set(self, name: str, value: int) -> None:
        self.commands.append((name, value))
        if name == self.deny:
            raise RedisError("forbidden", "NOPERM", "give +config|set")
        if name != self.stuck:
            self.values[name] = str(value)


BEFORE = {"timeout": 1207, "tcp_keepalive": 311}


def test_both_settings_are_read() -> None:
    assert redis_live.read(Server()) == BEFORE


@pytest.mark.parametrize("text", ["", "-1", "12s"])
def test_what_is_no_number_is_said(text: str) -> None:
    with pytest.raises(RedisError) as caught:
        redis_live.read(Server(timeout=text))
    assert caught.value.kind == "no_parameter"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"timeout": 0, "tcp_keepalive": None}, {"timeout": 0}),
        ({"timeout": 1207, "tcp_keepalive": None}, {}),
        ({"timeout": 1207, "tcp_keepalive": 0}, {"tcp_keepalive": 0}),
        ({"timeout": 5, "tcp_keepalive": 60}, {"timeout": 5, "tcp_keepalive": 60}),
    ],
)
def test_only_what_differs_is_set(wanted: dict[str, Optional[int]], expected: dict[str, int]) -> None:
    assert redis_live.differing(BEFORE, wanted) == expected


def test_a_change_is_read_back() -> None:
    server = Server()
    assert redis_live.change(server, BEFORE, {"timeout": 0}) == {"timeout": 0, "tcp_keepalive": 311}
    assert server.commands == [("timeout", 0)]


def test_when_the_second_is_refused_the_first_is_put_back() -> None:
    server = Server(deny="tcp-keepalive")
    with pytest.raises(RedisError) as caught:
        redis_live.change(server, BEFORE, {"timeout": 0, "tcp_keepalive": 60})
    assert server.values == {"timeout": "1207", "tcp-keepalive": "311"}
    assert caught.value.kind == "forbidden"
    assert str(caught.value) == "NOPERM; give +config|set; nothing was changed"


def test_ok_without_effect_is_a_failure_and_all_is_put_back() -> None:
    server = Server(stuck="tcp-keepalive")
    with pytest.raises(RedisError) as caught:
        redis_live.change(server, BEFORE, {"timeout": 0, "tcp_keepalive": 60})
    assert caught.value.kind == "not_taken"
    assert "tcp-keepalive is still 311 after CONFIG SET 60" in str(caught.value)
    assert server.values == {"timeout": "1207", "tcp-keepalive": "311"}


def test_when_even_putting_back_fails_both_reasons_and_the_old_values_are_said() -> None:
    class GoneAfterFirst(Server):
        def config_set(self, name: str, value: int) -> None:
            if self.commands:
                raise RedisError("unreachable", "connection refused")
            super().config_set(name, value)

    with pytest.raises(RedisError) as caught:
        redis_live.change(GoneAfterFirst(), BEFORE, {"timeout": 0, "tcp_keepalive": 60})
    assert caught.value.kind == "half_done"
    assert "could not be put back: connection refused" in str(caught.value)
    assert "1207" in str(caught.value)


@pytest.mark.parametrize("value", [-1, 2147483648])
def test_a_value_that_no_server_takes_is_refused_before_asking(value: int) -> None:
    with pytest.raises(RedisError) as caught:
        redis_live.check({"timeout": 0, "tcp_keepalive": value})
    assert caught.value.kind == "bad_value"


def test_values_at_the_ends_are_fine() -> None:
    redis_live.check({"timeout": 2147483647, "tcp_keepalive": None})


def test_a_listing_leaves_out_what_is_not_known() -> None:
    assert redis_live.listing({"timeout": 0, "tcp_keepalive": None}) == "timeout 0\n"


@pytest.mark.parametrize(
    ("now", "then", "shorter"),
    [(0, 5, True), (9, 5, True), (5, 9, False), (5, 5, False), (5, 0, False), (0, 0, False), (9, None, False)],
)
def test_only_a_shorter_timeout_closes_more(now: int, then: Optional[int], *, shorter: bool) -> None:
    assert redis_live.shortens(now, then) is shorter


@pytest.mark.parametrize(("timeout", "keepalive"), [(0, 300), (7, 0), (7, 300)])
def test_clients_that_one_setting_finds_are_no_matter(timeout: int, keepalive: int) -> None:
    assert redis_live.undetected({"timeout": timeout, "tcp_keepalive": keepalive}) is None


def test_clients_that_nothing_finds_are_told_of() -> None:
    assert "set tcp_keepalive" in str(redis_live.undetected({"timeout": 0, "tcp_keepalive": 0}))
