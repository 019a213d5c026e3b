# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cpu subset gathered from this machine."""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import Any, Dict

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_sampling, _procfs, _program
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import cpu
from ansible_collections.closewait.remediation.plugins.module_utils._cpu_options import CpuOptions
from ansible_collections.closewait.remediation.plugins.module_utils._cpu_window import CpuWindow
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import running
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.spinning import seen_to_spin

needs_psutil = pytest.mark.skipif(not _cpu_sampling.HAS_PSUTIL, reason="psutil is not installed for this interpreter")
SPIN = "print(1)\nwhile True: pass"
#: Percent of a CPU: nobody knows how much a spinner gets where there is much else to do.
RUNS_AT_ALL = 0.01


def _collect(options: CpuOptions, max_items: int) -> Dict[str, Any]:
    return cpu.collect(options, CpuWindow(options), max_items)


def _by_pid(facts: Dict[str, Any]) -> Dict[int, Dict[str, Any]]:
    return {row["pid"]: row for row in facts["processes"]}


@needs_psutil
def test_a_spinner_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(SPIN, "--token", "abc123") as spin, running("print(1); input()") as idle:
        seen_to_spin(monkeypatch, spin.pid)
        facts = _collect(CpuOptions(0.4, 2, RUNS_AT_ALL, [idle.pid, 4194301]), 10000)
        row = _by_pid(facts)[spin.pid]
        stat = _procfs.stat(spin.pid)
        assert stat is not None
        assert (row["start_time"], row["ppid"], row["name"]) == (stat.start_time, os.getpid(), stat.name)
        assert (row["uid"], row["threads"], row["state"]) == (os.getuid(), 1, "R")
        assert row["cmdline"][-2:] == ["--token", "********"]
        assert row["runtime"]["name"] == platform.python_implementation().lower()
        assert row["runtime"]["version"] == platform.python_version()
        assert set(row["supervisor"]) == {"kind", "name"}
        assert row["hottest_thread"]["tid"] == spin.pid
        assert idle.pid in _by_pid(facts), "a named process is listed however little it uses"
        assert facts["processes"][0]["pid"] == idle.pid, "named processes come first"
        assert facts["asked"] == sorted([idle.pid, 4194301])
        assert facts["processes_total"] >= 3
        assert (facts["window_s"], facts["subwindows"], facts["cpus"]) == (0.4, 2, os.cpu_count())
        assert facts["errors"] == []
        assert json.loads(json.dumps(facts)) == facts


@needs_psutil
def test_the_cap_is_stated_and_named_processes_are_never_cut_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(SPIN) as spin, running("print(1); input()") as idle:
        seen_to_spin(monkeypatch, spin.pid)
        facts = _collect(CpuOptions(0.4, 2, RUNS_AT_ALL, [idle.pid]), 1)
        assert [row["pid"] for row in facts["processes"]] == [idle.pid]
        assert facts["omitted"] >= 1
        assert spin.poll() is None


def test_without_psutil_nothing_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cpu_sampling, "HAS_PSUTIL", False)
    facts = _collect(CpuOptions(0.4, 2, 3.0, []), 5)
    assert facts["processes"] is None
    assert facts["processes_total"] is None
    [error] = facts["errors"]
    assert error["source"] == "psutil"
    assert "install python3-psutil" in error["reason"]


@needs_psutil
def test_this_interpreter_is_what_it_says() -> None:
    detected = _program.described(os.getpid())["runtime"]
    assert detected is not None
    assert detected["version"] == "%d.%d.%d" % sys.version_info[:3]
