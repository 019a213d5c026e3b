# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Honest work looks the same by CPU, state and switches, and must not be found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scenario_kit.http_load import http_load
from scenario_kit.kernel_scheduling import watch_conduct
from scenario_kit.playbooks import Control
from scenario_kit.processes import started
from scenario_kit.twisted_backend import twisted_backend
from scenario_kit.waiting import wait_for

BUSY_PORT = 17813
REQUEST_CPU_MS = 30
SENDERS = 4
_COMPUTES = "number = 0\nwhile True:\n    number = (number * 1103515245 + 12345) % 2147483648"


def test_a_busy_server_and_a_program_that_computes(tmp_path: Path, python: str, looking: dict[str, Any]) -> None:
    with (
        twisted_backend(tmp_path / "backend", python, BUSY_PORT) as backend,
        http_load(BUSY_PORT, SENDERS, f"/?cpu_ms={REQUEST_CPU_MS}") as load,
        started([python, "-c", _COMPUTES], tmp_path / "computes.out") as computing,
    ):
        wait_for(lambda: watch_conduct(backend.pid).spins, 60, "the backend to be busy throughout")
        wait_for(lambda: watch_conduct(computing.pid).spins, 60, "the other program to be busy throughout")
        before = load.sent()
        outcome = Control(tmp_path / "control").playbook("diagnose", **looking)
        assert load.sent() > before
        account = load.end()
    assert outcome.status == 0, outcome.text
    host = outcome.report("diagnosis.json")["hosts"]["localhost"]
    assert (host["verdict"], host["findings"], host["unknown"]) == ("healthy", [], []), outcome.text
    assert set(account) == {"200"}
