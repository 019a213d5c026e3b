# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Negative controls: slow is not sick."""

from __future__ import annotations

import time
from pathlib import Path

from scenario_kit.http_load import http_load
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.twisted_upstream import PORT, TwistedUpstream
from scenario_kit.waiting import wait_for

SLOW = "/?sleep_ms=1400"


def _silent(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome.text
    host = outcome.report("diagnosis.json")["hosts"]["localhost"]
    assert host["findings"] == [], outcome.text
    assert [entry for entry in host["unknown"] if entry["id"] == "sick_upstream"] == []
    assert host["errors"] == []


def test_slow_requests_are_no_sick_server(site: TwistedUpstream, tmp_path: Path) -> None:
    """First one request that is slow once, then three servers that are all slow; each looked at by itself."""
    control, began = Control(tmp_path / "control"), time.time()
    with http_load(PORT, 4) as load:
        wait_for(lambda: load.sent() >= 60, 60, "quick requests")
    with http_load(PORT, 1, SLOW, pause_s=60.0) as once:
        wait_for(lambda: once.sent() == 1, 30, "the slow request")
    assert sum(float(request["took"]) > 1 for request in site.requests()) == 1
    _silent(control.playbook("diagnose", closewait_nginx_since=str(began)))
    began = time.time()
    with http_load(PORT, 9, SLOW) as load:
        wait_for(lambda: load.sent() >= 45, 120, "slow requests")
    assert set(load.end()) == {"200"}
    slow = [request for request in site.requests() if float(request["at"]) > began and float(request["took"]) > 1]
    assert len({request["to"] for request in slow}) == 3
    assert len(slow) >= 45
    _silent(control.playbook("diagnose", closewait_nginx_since=str(began)))
