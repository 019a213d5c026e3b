# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Negative controls: slow is not sick."""

from __future__ import annotations

import time
from pathlib import Path

from scenario_kit.http_load import http_load
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.twisted_upstream import BACKENDS, PORT, TwistedUpstream
from scenario_kit.waiting import wait_for

SLOW = "/?sleep_ms=1400"


def _silent(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome.text
    host = outcome.report("diagnosis.json")["hosts"]["localhost"]
    assert host["findings"] == [], outcome.text
    assert [entry for entry in host["unknown"] if entry["id"] == "sick_upstream"] == []
    assert host["errors"] == []


def _slow(site: TwistedUpstream, since: float) -> list[dict[str, str]]:
    """Those that were to be slow, and were: a quick one may stall where much else is done, which is not the matter."""
    asked = [request for request in site.requests() if "sleep_ms" in request["request"]]
    return [request for request in asked if float(request["at"]) > since and float(request["took"]) > 1]


def test_slow_requests_are_no_sick_server(site: TwistedUpstream, tmp_path: Path) -> None:
    """First one request that is slow once, then three servers that are all slow; each looked at by itself."""
    control, began = Control(tmp_path / "control"), time.time()
    with http_load(PORT, 4) as load:
        wait_for(lambda: load.sent() >= 60, 60, "quick requests")
    with http_load(PORT, 1, SLOW, pause_s=60.0) as once:
        wait_for(lambda: once.sent() == 1, 30, "the slow request")
    wait_for(lambda: len(_slow(site, began)) == 1, 10, "nginx to write it down")
    _silent(control.playbook("diagnose", closewait_nginx_since=str(began)))
    began = time.time()
    with http_load(PORT, 9, SLOW) as load:
        wait_for(lambda: load.sent() >= 45, 120, "slow requests")
    assert set(load.end()) == {"200"}
    slow = _slow(site, began)
    # One that is slower still goes to the next server as well, and has both addresses.
    addresses = {address for request in slow for address in request["to"].split(", ")}
    assert addresses == {f"127.0.0.1:{port}" for port in BACKENDS}
    assert len(slow) >= 45
    _silent(control.playbook("diagnose", closewait_nginx_since=str(began)))
