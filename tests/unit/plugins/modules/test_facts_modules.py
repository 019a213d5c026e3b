# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts modules: arguments, shapes, and warnings for what could not be looked at."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_sampling, _netns, _procfs, _subsets
from ansible_collections.closewait.remediation.plugins.modules import (
    close_wait_facts,
    cpu_facts,
    incident_facts,
    progress_facts,
    tcp_facts,
)
from ansible_collections.closewait.remediation.tests.unit.plugins.modules.module_run import Result, Run, runner

needs_psutil = pytest.mark.skipif(not _cpu_sampling.HAS_PSUTIL, reason="psutil is not installed for this interpreter")
QUICK: Dict[str, Any] = {"window": 0.2, "subwindows": 2}
Start = Callable[[Any], Run]


@pytest.fixture(name="start")
def _start(capsys: pytest.CaptureFixture[str]) -> Start:
    return lambda module: runner(module.main, capsys)


def _facts(result: Result) -> Dict[str, Any]:
    assert result["changed"] is False
    found: Dict[str, Any] = result["ansible_facts"]["closewait"]
    return found


@pytest.mark.parametrize("module", [close_wait_facts, tcp_facts, cpu_facts, incident_facts])
@pytest.mark.parametrize("value", [0, -1, 10_001])
def test_max_items_out_of_range(start: Start, module: Any, value: int) -> None:
    result = start(module)(max_items=value, **({} if module in (close_wait_facts, tcp_facts) else QUICK))
    assert result["failed"]
    assert "max_items" in result["msg"]
    assert "ansible_facts" not in result


@pytest.mark.parametrize("module", [cpu_facts, incident_facts, progress_facts])
@pytest.mark.parametrize("option", [{"window": 0}, {"window": 3600}, {"subwindows": 1}, {"min_cpu_percent": 101}])
def test_the_window_out_of_range(start: Start, module: Any, option: Dict[str, Any]) -> None:
    result = start(module)(**{**QUICK, **option})
    assert result["failed"]
    assert next(iter(option)) in result["msg"]


@pytest.mark.parametrize("check", [False, True])
def test_tcp_facts_are_facts_in_check_mode_too(start: Start, check: object) -> None:
    facts = _facts(start(tcp_facts)(check=check, max_items=3))
    assert set(facts) == {"tcp"}
    assert _netns.own() in [row["netns"] for row in facts["tcp"]["namespaces"]]
    assert isinstance(facts["tcp"]["close_wait"]["total"], int)


@pytest.mark.parametrize("check", [False, True])
def test_close_wait_facts_are_facts_of_their_own(start: Start, check: object) -> None:
    facts = _facts(start(close_wait_facts)(check=check))
    assert set(facts) == {"close_wait"}
    assert isinstance(facts["close_wait"]["total"], int)


@needs_psutil
def test_cpu_facts_of_a_named_process(start: Start) -> None:
    facts = _facts(start(cpu_facts)(pids=[os.getppid()], **QUICK))
    assert facts["cpu"]["asked"] == [os.getppid()]
    assert facts["cpu"]["processes"][0]["pid"] == os.getppid()


@needs_psutil
def test_a_process_that_is_not_there_is_an_error_or_asked_in_vain(start: Start) -> None:
    result = start(cpu_facts)(pids=[4194301], **QUICK)
    assert result["failed"]
    assert "4194301" in result["msg"]


@needs_psutil
def test_progress_facts(start: Start) -> None:
    facts = _facts(start(progress_facts)(**QUICK))
    assert set(facts) == {"progress"}
    assert (facts["progress"]["window_s"], facts["progress"]["subwindows"]) == (0.2, 1)
    assert isinstance(facts["progress"]["processes"], list)


@pytest.mark.parametrize("module", [cpu_facts, progress_facts])
def test_psutil_is_needed(start: Start, monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setattr(_cpu_sampling, "HAS_PSUTIL", False)
    result = start(module)(**QUICK)
    assert result["failed"]
    assert "python3-psutil" in result["msg"]


def test_incident_facts_go_on_without_psutil_but_say_so(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cpu_sampling, "HAS_PSUTIL", False)
    result = start(incident_facts)(gather_subset=["cpu", "tcp"], **QUICK)
    facts = _facts(result)
    assert facts["cpu"]["processes"] is None
    assert facts["tcp"]["close_wait"] is not None
    assert any("psutil" in str(warning) for warning in result["warnings"])


@needs_psutil
@pytest.mark.parametrize(
    ("subset", "names"),
    [(["tcp"], {"tcp"}), (["all", "!redis"], set(_subsets.COLLECTORS) - {"redis"}), (["!all"], set())],
)
def test_incident_facts_say_when_and_in_which_boot(start: Start, subset: List[str], names: set[str]) -> None:
    facts = _facts(start(incident_facts)(gather_subset=subset, **QUICK))
    assert set(facts) == {"gathered_at", "boot_id"} | names
    assert facts["boot_id"] == _procfs.boot_id()


def test_an_unknown_subset(start: Start) -> None:
    result = start(incident_facts)(gather_subset=["tcp", "oracle"], **QUICK)
    assert result["failed"]
    assert "oracle" in result["msg"]


def test_the_password_is_not_returned(start: Start) -> None:
    secret = "correct horse battery"  # noqa: S105 - of nobody
    result = start(incident_facts)(gather_subset=["tcp"], redis_password=secret, **QUICK)
    assert secret not in str(result)
