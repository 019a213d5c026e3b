# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stop of a process of our own that comes before any other."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import gdb as fd_gdb
from ansible_collections.closewait.remediation.plugins.module_utils._fd import rehearsal
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    REFUSING,
    WAIT_S,
    needs_gdb,
    needs_root,
    running,
    script,
)

SLEEPER = "import time\nprint(1)\ntime.sleep(60)"
#: The real gdb, which writes down every process that it attaches to, and every child of its own.
NOTING = """exec %s -iex 'python
def note(event):
    open("%s", "a").write("%%d\\n" %% gdb.selected_inferior().pid)
gdb.events.stop.connect(note)' "$@"
"""


def _children() -> set[int]:
    return set(_procfs.children(os.getpid()))


@needs_gdb
@needs_root
def test_it_leaves_nothing_behind_and_the_session_goes_on(tmp_path: Path) -> None:
    before, fds = _children(), len(os.listdir("/proc/self/fd"))
    with running(SLEEPER) as process:
        with fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), WAIT_S) as session:
            rehearsal.rehearse(session)
            assert session.attach(process.pid, ("rip",))["rip"]
            session.detach()
            rehearsal.rehearse(session)
        assert process.poll() is None
    assert _children() <= before
    assert len(os.listdir("/proc/self/fd")) == fds


@needs_gdb
@needs_root
def test_it_is_nobody_elses_process_that_is_stopped(tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    gdb = script(tmp_path, NOTING % (shutil.which("gdb"), noted))
    with fd_gdb.Session(gdb, str(tmp_path), WAIT_S) as session:
        rehearsal.rehearse(session)
    [pid] = set(map(int, noted.read_text().split()))
    assert _procfs.stat(pid) is None, "it is gone, and was a child of ours, or it would be a zombie still"


def test_a_gdb_that_may_not_trace_says_so_before_anybody_is_touched(tmp_path: Path) -> None:
    before = _children()
    with fd_gdb.Session(script(tmp_path, REFUSING), str(tmp_path), 5.0) as session:
        with pytest.raises(fd_gdb.GdbError, match="Operation not permitted"):
            rehearsal.rehearse(session)
    assert _children() <= before
