# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of a run and its folder."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._run_claim import BusyError, Process, claim, of_this


@pytest.fixture(name="other")
def _other() -> Iterator[Process]:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield of_this(process.pid)
    process.communicate()


def test_a_run_keeps_its_name(tmp_path: Path) -> None:
    mine = of_this(os.getpid())
    first = claim(tmp_path / "report", mine)
    assert claim(tmp_path / "report", mine) == first
    assert (first.resumed, len(first.run)) == (False, 32)
    assert (tmp_path / "report" / "run.json").stat().st_mode & 0o777 == 0o600


def test_a_second_run_is_refused_while_the_first_lives(tmp_path: Path, other: Process) -> None:
    claim(tmp_path, other)
    with pytest.raises(BusyError, match=f"pid {other.pid}.*closewait_output_dir"):
        claim(tmp_path, of_this(os.getpid()))


def test_what_was_broken_off_is_resumed(tmp_path: Path) -> None:
    dead = Process(platform.node(), os.getpid(), 1)  # the pid lives, but is another process
    first = claim(tmp_path, dead)
    second = claim(tmp_path, of_this(os.getpid()))
    assert (second.run, second.resumed) == (first.run, True)


def test_a_run_of_another_controller_is_another_run(tmp_path: Path) -> None:
    first = claim(tmp_path, Process("elsewhere", os.getpid(), 1))
    second = claim(tmp_path, of_this(os.getpid()))
    assert second.run != first.run
    assert not second.resumed


@pytest.mark.parametrize("content", ["{", '{"run": "x"}', '{"run": "x", "process": [1]}'])
def test_what_is_no_claim_is_not_overwritten(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ValueError, match="remove it"):
        claim(tmp_path, of_this(os.getpid()))
    assert (tmp_path / "run.json").read_text() == content
