# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident as in production; ``remediate`` takes the sick server out, and it comes back on request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from scenario_kit.figures import record
from scenario_kit.http_load import http_load
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.twisted_backend import TwistedBackend
from scenario_kit.twisted_upstream import PORT, READ_TIMEOUT_S, TwistedUpstream
from scenario_kit.waiting import wait_for

PROBE = Path(__file__).with_name("quick_answers.py")


@pytest.fixture(scope="module")
def sick(site: TwistedUpstream) -> TwistedBackend:
    """One of the three loops."""
    return site.fall_sick()


def _found(outcome: Outcome) -> list[dict[str, Any]]:
    findings = outcome.report("diagnosis.json")["hosts"]["localhost"]["findings"]
    return [finding for finding in findings if finding["id"] == "sick_upstream"]


def _drained(site: TwistedUpstream) -> bool:
    return f"server 127.0.0.1:{site.sick_port} max_fails=0 down;" in site.nginx.configuration.read_text()


def test_a_third_of_the_requests_is_slow(site: TwistedUpstream, sick: TwistedBackend) -> None:
    """Without any part of the collection."""
    began = len(site.requests())
    with http_load(PORT, 6) as load:
        wait_for(lambda: load.sent() > 60, 60, "requests")
    seen = site.requests()[began:]
    slow = [request for request in seen if float(request["took"]) >= READ_TIMEOUT_S]
    assert set(load.end()) == {"200"}, "nginx tries the next one, so nothing fails"
    assert 0.15 < len(slow) / len(seen) < 0.5
    assert {request["to"].split(",")[0] for request in slow} == {f"127.0.0.1:{sick.port}"}


def test_the_sick_server_is_taken_out_and_back(site: TwistedUpstream, sick: TwistedBackend, tmp_path: Path) -> None:
    control, original = Control(tmp_path / "control"), site.nginx.configuration.read_bytes()
    variables = {
        "closewait_allow": "disruptive",
        "closewait_verify_seconds": 5,
        # So that a spinning process is seen on a machine that is busy with much else.
        "closewait_window": 4,
        "closewait_thresholds": {"spin_cpu_percent": 2},
        "closewait_verify_commands": [[sys.executable, str(PROBE), str(PORT)]],
    }
    with http_load(PORT, 6) as load:
        wait_for(lambda: load.sent() > 40, 60, "requests")
        outcome = control.playbook("remediate", **variables)
        assert outcome.status == 0, outcome.text
        [finding] = _found(outcome)
        address = f"127.0.0.1:{site.sick_port}"
        assert finding["subject"] == f"upstream app: server {address}"
        assert finding["evidence"]["backend_pid"] == sick.pid
        assert finding["evidence"]["share_of_slow"] > 0.9
        assert _drained(site)
        result = outcome.report("result.json")
        assert [row["verdict"] for row in result["hosts"]["localhost"]["subjects"]] == ["healed"]
        assert all(check["ok"] for check in result["hosts"]["localhost"]["checks"])
        before = len(site.requests())
        sent = load.sent()
        wait_for(lambda: load.sent() > sent + 60, 60, "more requests")
        after = site.requests()[before:]
        again = control.playbook("remediate", **variables)
    assert again.status == 0, again.text
    assert "changed=0 " in again.text, again.text
    assert _found(again) == []
    assert address not in {part for request in after for part in request["to"].split(", ")}
    assert max(float(request["took"]) for request in after) < READ_TIMEOUT_S / 2
    assert set(load.end()) == {"200"}
    site.get_well()
    back = control.playbook("rollback", closewait_rollback_role="nginx_upstream", **_role(site))
    assert back.status == 0, back.text
    assert site.nginx.configuration.read_bytes() == original
    assert site.nginx.emergencies() == []
    with http_load(PORT, 6) as load:
        wait_for(lambda: load.sent() > 90, 60, "requests")
    assert set(load.end()) == {"200"}
    assert address in {request["to"] for request in site.requests()[-90:]}
    assert _found(control.playbook("diagnose", closewait_window=4)) == [], (
        "it is not taken out again for what was before"
    )
    record("sick_upstream", evidence=finding["evidence"]["told"], slow_before=finding["evidence"]["server"]["p95_s"])


def _role(site: TwistedUpstream) -> dict[str, str]:
    return {
        "nginx_upstream_config_file": str(site.nginx.configuration),
        "nginx_upstream_prefix": str(site.nginx.folder),
    }
