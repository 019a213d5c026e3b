# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that start another incident are refused, and doubtful ones are told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.version import keeps_connections
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.nginx_configurations import (
    planned,
    planned_of_1_29_7,
)

HTTP = """http {
    upstream app { %s }
    server { location / { proxy_pass http://app; %s } }
}
"""
TWO = "server 10.1.0.1:81; server 10.1.0.2:81;"
PERSISTENT = 'proxy_http_version 1.1; proxy_set_header Connection "";'


def _set(**options: Any) -> list[dict[str, Any]]:
    return [{"name": "app", **options}]


def _down(*addresses: str) -> list[dict[str, Any]]:
    return _set(servers=[{"address": address, "state": "down"} for address in addresses])


@pytest.mark.parametrize(
    ("servers", "drained"),
    [
        (TWO, ("10.1.0.1:81", "10.1.0.2:81")),
        ("server 10.1.0.1:81; server 10.1.0.2:81 down;", ("10.1.0.1:81",)),
        ("server 10.1.0.1:81;", ("10.1.0.1:81",)),
    ],
)
def test_the_last_live_server_stays(servers: str, drained: tuple[str, ...]) -> None:
    with pytest.raises(PlanError, match=r"would have no live server.*incident I1"):
        planned(HTTP % (servers, ""), upstreams=_down(*drained))


@pytest.mark.parametrize("servers", ["server 10.1.0.1:81; server 10.1.0.9:81 backup;", TWO])
def test_one_live_server_is_enough_be_it_a_backup(servers: str) -> None:
    assert planned(HTTP % (servers, ""), upstreams=_down("10.1.0.1:81")).changes


def test_another_upstream_without_a_live_server_is_not_loaded() -> None:
    main = (HTTP % (TWO, "")).replace("http {", "http { upstream idle { server 10.3.0.1 down; }")
    with pytest.raises(PlanError, match="upstream idle"):
        planned(main, proxy_read_timeout="9s")


@pytest.mark.parametrize(
    ("stands", "options", "app"),
    [
        ("", {"keepalive": 4, "keepalive_timeout": "10s"}, "10s"),
        ("", {"keepalive": 4, "keepalive_timeout": "11s"}, "10s"),
        ("", {"keepalive": 4}, "60s"),
        ("keepalive 4;", {"max_fails": 2}, "30s"),
        ("keepalive 4; keepalive_timeout 5s;", {"keepalive_timeout": "1m"}, "59s"),
    ],
)
def test_the_application_must_not_close_first(stands: str, options: dict[str, Any], app: str) -> None:
    with pytest.raises(PlanError, match=r"not below the application's .*incident I0"):
        planned(HTTP % (TWO + stands, PERSISTENT), upstreams=_set(**options), app_keepalive_timeout=app)


def test_a_keepalive_below_the_applications_is_taken_without_a_word() -> None:
    options = _set(keepalive=4, keepalive_timeout="9999ms")
    plan = planned(HTTP % (TWO, PERSISTENT), upstreams=options, app_keepalive_timeout="10s")
    assert plan.warnings == ()


@pytest.mark.parametrize(
    ("location", "options", "word"),
    [
        ("", {"upstreams": _set(keepalive=4), "app_keepalive_timeout": "2m"}, "keepalive needs proxy_http_version 1.1"),
        (PERSISTENT, {"upstreams": _set(keepalive=4)}, "set app_keepalive_timeout"),
        ("", {"upstreams": _set(keepalive_timeout="4s")}, "does nothing without keepalive"),
        ("", {"proxy_connect_timeout": "76s"}, "cannot usually exceed 75"),
        ("", {"proxy_next_upstream": ["error", "non_idempotent"]}, "is sent again"),
    ],
)
def test_warnings(location: str, options: dict[str, Any], word: str) -> None:
    (warning,) = planned(HTTP % (TWO, location), **options).warnings
    assert word in warning


@pytest.mark.parametrize(
    ("version", "keeps"),
    [
        ("nginx/1.22.1", False),
        ("nginx/1.29.6", False),
        ("nginx/1.29.7", True),
        ("nginx/1.31.3", True),
        ("openresty/1.27.1.1", False),
        ("openresty/1.31.1.1", True),
    ],
)
def test_which_versions_keep_connections_by_themselves(version: str, keeps: bool) -> None:  # noqa: FBT001
    assert keeps_connections(version) is keeps


def test_a_keepalive_that_is_nowhere_written_must_be_below_the_applications_too() -> None:
    options: dict[str, Any] = {"upstreams": _set(max_fails=2), "app_keepalive_timeout": "30s"}
    with pytest.raises(PlanError, match=r"keepalive_timeout 60s is not below the application's \(30 s\)"):
        planned_of_1_29_7(HTTP % (TWO, ""), **options)
    assert planned(HTTP % (TWO, ""), **options).warnings == ()
    for stands in ("keepalive 0;", "keepalive_timeout 20s;"):
        assert planned_of_1_29_7(HTTP % (TWO + stands, ""), **options).warnings == ()


@pytest.mark.parametrize(
    ("location", "count"),
    [
        ("", 0),
        ("proxy_set_header Host x;", 0),
        ("proxy_http_version 1.0;", 1),
        ('proxy_set_header Connection "close";', 1),
    ],
)
def test_a_kept_connection_needs_nothing_more_there(location: str, count: int) -> None:
    options = {"upstreams": _set(keepalive=4), "app_keepalive_timeout": "2m"}
    assert len(planned_of_1_29_7(HTTP % (TWO, location), **options).warnings) == count


@pytest.mark.parametrize(
    ("location", "options"),
    [("", {}), ("proxy_next_upstream_tries 2;", {"proxy_next_upstream_tries": 0})],
)
def test_the_flood_is_refused(location: str, options: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="the flood of incident I1"):
        planned(HTTP % (TWO, location), upstreams=_set(max_fails=0), **options)


@pytest.mark.parametrize(
    ("location", "options"),
    [
        ("proxy_next_upstream off;", {}),
        ("proxy_next_upstream error;", {}),
        ("", {"proxy_next_upstream_tries": 2}),
        ("proxy_next_upstream_timeout 5s;", {}),
        ("", {"upstreams": _set(max_fails=0, servers=[{"address": "10.1.0.1:81", "max_fails": 1}])}),
    ],
)
def test_without_a_flood_max_fails_0_is_taken(location: str, options: dict[str, Any]) -> None:
    assert planned(HTTP % (TWO, location), **{"upstreams": _set(max_fails=0), **options}).warnings == ()


def test_a_flood_that_stands_is_told() -> None:
    main = HTTP % (TWO.replace("81;", "81 max_fails=0;"), "")
    (warning,) = planned(main, proxy_read_timeout="9s").warnings
    assert "the flood of incident I1" in warning
