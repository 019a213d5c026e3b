# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module fd_close: its arguments, its needs, check mode and the diff. What it does to processes: integration."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import Any, Dict, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.modules import fd_close
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    Victim,
    needs_gdb,
    needs_root,
    victim,
)
from ansible_collections.closewait.remediation.tests.unit.plugins.modules.module_run import Run, runner

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines are refused altogether")
TARGET: Dict[str, Any] = {"pid": 4194301, "start_time": 77, "fd": 13, "inode": 90909}


@pytest.fixture(name="run")
def _run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """The module with a journal of its own."""
    start = runner(fd_close.main, capsys)

    def run(**arguments: Any) -> Dict[str, Any]:
        return start(**{"journal": str(tmp_path / "fd_close.jsonl"), "timeout": 60, **arguments})

    return run


def _target(program: Victim, **changes: Any) -> Dict[str, Any]:
    stat = _procfs.stat(program.process.pid)
    assert stat is not None
    row = {"pid": program.process.pid, "start_time": stat.start_time, "fd": program.fd, "inode": program.inode}
    return {**row, **changes}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pid": 1}, "targets[0]: pid 1"),
        ({"inode": 0}, "targets[0]"),
        ({"cookie": "12"}, "16 hex digits"),
        ({"fd": "x"}, "fd"),
    ],
)
def test_wrong_targets(run: Run, change: Dict[str, Any], words: str) -> None:
    result = run(targets=[{**TARGET, **change}])
    assert result["failed"]
    assert words in result["msg"]


@pytest.mark.parametrize("name", ["pid", "start_time", "fd", "inode"])
def test_what_a_target_needs(run: Run, name: str) -> None:
    result = run(targets=[{key: value for key, value in TARGET.items() if key != name}])
    assert result["failed"]
    assert name in result["msg"]


def test_gdb_is_missing(run: Run) -> None:
    result = run(targets=[TARGET], gdb="/nonexistent/gdb")
    assert result["failed"]
    assert "install the package gdb" in result["msg"]


@needs_root
def test_check_mode_looks_ahead_where_gdb_is_not_installed_yet(run: Run) -> None:
    result = run(check=True, targets=[TARGET], gdb="/nonexistent/gdb")
    assert [row["outcome"] for row in result["results"]] == ["gone"]


@needs_gdb
def test_without_root(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    result = run(targets=[TARGET])
    assert result["failed"]
    assert "become: true" in result["msg"]


@pytest.mark.parametrize(
    "option",
    [{"timeout": 0}, {"timeout": -1}, {"max_stop_ms": 0}, {"max_stop_ms": -5}, {"min_age": -0.1}, {"timeout": 1e9}],
)
def test_options_out_of_range_are_named(run: Run, option: Dict[str, Any]) -> None:
    result = run(targets=[TARGET], **option)
    assert result.get("failed"), result
    assert next(iter(option)) in result["msg"]


@needs_gdb
@needs_root
def test_check_mode_predicts_and_changes_nothing(run: Run) -> None:
    with victim() as program:
        result = run(check=True, targets=[_target(program), _target(program, fd=0)], min_age=0)
        assert result["changed"]
        assert [row["outcome"] for row in result["results"]] == ["would_replace", "changed"]
        assert result["diff"] == {
            "before": "pid %d fd %d socket:[%d] half-closed\n" % (program.process.pid, program.fd, program.inode),
            "after": "pid %d fd %d socket:[%d] replaced by an unconnected socket\n"
            % (program.process.pid, program.fd, program.inode),
        }
        assert result["stops"] == []
        assert program.ask()["use"] == "EOF"


@needs_gdb
@needs_root
def test_what_is_too_young_is_refused(run: Run) -> None:
    with victim() as program:
        result = run(targets=[_target(program)], min_age=60)
        [row] = result["results"]
        assert (result["changed"], row["outcome"]) == (False, "refused")
        assert "min_age 60 s" in row["reason"]
        assert result["diff"] == {"before": "", "after": ""}


@needs_gdb
@needs_root
def test_a_real_run_and_its_diff(run: Run) -> None:
    with victim() as program:
        result = run(targets=[_target(program, peer="x", ghost=False)], method="close", force_close=True, min_age=0)
        assert result["changed"]
        assert result["diff"]["after"].endswith("socket:[%d] closed\n" % program.inode)
        assert program.ask()["use"] == "Bad file descriptor"
        again = run(targets=[_target(program)], method="close", force_close=True, min_age=0)
        assert (again["changed"], again["results"][0]["outcome"]) == (False, "gone")
        assert shutil.which("gdb")


@pytest.mark.parametrize(
    ("row", "after"),
    [
        ({"outcome": "closed", "unregistered_from": [4]}, "closed"),
        ({"outcome": "would_close", "unregistered_from": []}, "closed"),
        ({"outcome": "replaced", "unregistered_from": []}, "replaced by an unconnected socket"),
        ({"outcome": "would_replace", "unregistered_from": []}, "replaced by an unconnected socket"),
        ({"outcome": "unwatched", "unregistered_from": [4]}, "no longer watched"),
        ({"outcome": "gone", "unregistered_from": [4]}, "no longer watched"),
        ({"outcome": "lost", "unregistered_from": []}, "gone with its process"),
        ({"outcome": "gone", "unregistered_from": []}, None),
        ({"outcome": "changed", "unregistered_from": []}, None),
        ({"outcome": "refused", "unregistered_from": []}, None),
    ],
)
def test_the_diff_shows_what_was_done(row: Dict[str, Any], after: Optional[str]) -> None:
    found = fd_close.diff([{"pid": 9, "fd": 4, "inode": 3, **row}])
    if after is None:
        assert found == {"before": "", "after": ""}
    else:
        assert found["before"] == "pid 9 fd 4 socket:[3] half-closed\n"
        assert found["after"] == "pid 9 fd 4 socket:[3] %s\n" % after


@needs_gdb
@needs_root
def test_a_journal_that_cannot_be_written(run: Run) -> None:
    with victim() as program:
        result = run(targets=[_target(program)], min_age=0, journal="/proc/closewait/x.jsonl")
        assert result["failed"]
        assert "the journal /proc/closewait/x.jsonl cannot be written" in result["msg"]
        assert "Nothing was touched" in result["msg"]
        assert os.readlink("/proc/%d/fd/%d" % (program.process.pid, program.fd)) == "socket:[%d]" % program.inode
