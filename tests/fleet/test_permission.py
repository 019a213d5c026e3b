# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a fleet is not permitted, that is said, and nothing is taken for passed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.permission import obstacle
from fleet.traces import added, traces

RUN = Path(__file__).with_name("run.py")
SKIPPED = 77


def test_it_is_permitted_here_and_the_trial_leaves_nothing() -> None:
    before = traces()
    assert obstacle() == ""
    assert added(before, traces()) == {}


@pytest.mark.parametrize("capability", ["sys_admin", "net_admin"])
def test_without_a_capability_the_run_is_skipped_and_says_why(capability: str) -> None:
    lesser = ["setpriv", "--inh-caps", f"-{capability}", "--bounding-set", f"-{capability}", "--"]
    run = subprocess.run([*lesser, sys.executable, RUN], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == SKIPPED, run.stdout + run.stderr
    assert "CAN NOT BE TRIED" in run.stdout
    assert run.stdout.splitlines()[-1].startswith("not permitted here: ")


def test_without_root_there_is_no_fleet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert obstacle() == "a fleet of namespaces needs root"


def test_a_trial_that_breaks_is_no_machine_that_forbids_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(RuntimeError, match="No module named 'fleet'"):
        obstacle()
