# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Idle time at the FIN against the server's timeout."""

from __future__ import annotations

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Bounds
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _cause
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, only

T = make.TIMEOUT


@pytest.mark.parametrize(
    ("low", "high", "fit"),
    [
        (T, T, "inside"),
        (T - 1, T + 3, "inside"),
        (T + 1.7, T + 2.2, "inside"),
        (T + 1, T + 3.1, "overlaps"),
        (0.0, T + 2, "overlaps"),
        (0.0, None, "overlaps"),
        (T + 3, None, "overlaps"),
        (0.0, T - 1.1, "outside"),
        (T + 3.1, T + 90, "outside"),
        (T + 3.1, None, "outside"),
    ],
)
def test_fit(low: float, high: float | None, fit: str) -> None:
    bounds: Bounds = {"min": low, "max": high}
    assert _cause.fit(bounds, T, Thresholds()) == fit


def test_slack_and_lag_are_the_callers() -> None:
    bounds: Bounds = {"min": T - 4.0, "max": T - 4.0}
    assert _cause.fit(bounds, T, Thresholds(timeout_slack_s=5.0)) == "inside"


def facts(*idle: tuple[float, float | None]) -> make.Fact:
    bounds = [{"min": low, "max": high} for low, high in idle]
    sockets = [make.half_closed(make.INODE + n, idle_at_fin_s=each) for n, each in enumerate(bounds)]
    watchers = [make.watcher(make.INODE + n, fd=make.FD + n) for n in range(len(idle))]
    return make.worker(tcp=make.tcp(watchers=make.watchers(*watchers), close_wait=make.close_wait(sockets)))


@pytest.mark.parametrize(
    ("idle", "status", "remedied"),
    [
        ([(T + 1, T + 1)], "proven", True),
        ([(T, T), (T + 2, T + 2)], "proven", True),
        ([(0.0, T + 1)], "likely", True),
        ([(T, T), (0.0, None)], "likely", True),
        ([(T, T), (3.0, 3.0)], "likely", True),
        ([(12.0, 12.0)], "refuted", False),
        ([(T * 9.0, T * 9.0)], "refuted", False),
    ],
)
def test_status(idle: list[tuple[float, float | None]], status: str, *, remedied: bool) -> None:
    finding = only(ask("half_closed_spin", facts(*idle)))
    assert finding["cause"]["status"] == status
    assert ("redis_timeout" in [remedy["action"] for remedy in finding["remedy"]]) is remedied


@pytest.mark.parametrize(
    ("redis", "status", "says"),
    [
        (
            make.instance(timeout=0),
            "unknown",
            "has timeout 0 now and closes no idle connection; idle at the FIN: 417.9 s, which a timeout",
        ),
        (make.instance(timeout=None, error="NOAUTH Authentication required."), "unknown", "closewait_redis_password"),
    ],
)
def test_settings_that_explain_nothing(redis: make.Fact, status: str, says: str) -> None:
    finding = only(ask("half_closed_spin", make.worker(), {make.REDIS_HOST: make.server(redis=make.redis(redis))}))
    assert finding["cause"]["status"] == status
    assert says in finding["cause"]["summary"]
    assert "redis_timeout" not in [remedy["action"] for remedy in finding["remedy"]]


def test_unknown_peer() -> None:
    finding = only(ask("half_closed_spin", make.worker(), {}))
    assert finding["cause"]["status"] == "unknown"
    assert finding["cause"]["peer"] == {"address": make.THERE, "port": make.REDIS_PORT, "host": None}
    assert "no looked-at host has the address" in finding["cause"]["summary"]


def test_watched_socket_that_is_not_among_those_listed() -> None:
    finding = only(ask("half_closed_spin", make.worker(tcp=make.tcp(close_wait=make.close_wait([], omitted=70)))))
    assert finding["cause"]["status"] == "likely"
    assert any("is not known" in unknown for unknown in finding["unknowns"])


def test_named_host_is_used() -> None:
    elsewhere = make.server(tcp=make.tcp(addresses=["192.0.2.9"]), redis=make.redis(make.instance(address="192.0.2.9")))
    finding = only(ask("half_closed_spin", make.worker(), {"pantry": elsewhere}, redis_host="pantry"))
    assert finding["remedy"][0]["where"] == "pantry"
