# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process can be touched at all: real ones in every state, and texts of /proc."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from pathlib import Path
from typing import Dict, Optional, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import process as fd_process
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    running,
    stat_line,
    tree,
    wait_until,
)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines are refused altogether")
SLEEPER = "import time\nprint(1)\ntime.sleep(60)"
PTRACE_SEIZE = 0x4206


def _obstacle(pid: int) -> Optional[str]:
    return fd_process.inspect(pid).obstacle


def test_nothing_stands_against_an_ordinary_process() -> None:
    with running(SLEEPER) as process:
        found = fd_process.inspect(process.pid)
        assert found.obstacle is None
        assert found.runtime == platform.python_implementation().lower()
        assert found.role is None


@pytest.mark.parametrize("pid", [os.getpid(), os.getppid()], ids=["itself", "parent"])
def test_this_very_process_and_its_ancestors(pid: int) -> None:
    assert "ancestors" in str(_obstacle(pid))


def test_a_stopped_process() -> None:
    with running(SLEEPER) as process:
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: (_procfs.stat(process.pid) or _procfs.Stat(0, "", "", 0, 0)).state == "T")
        assert "stopped already" in str(_obstacle(process.pid))


def test_a_traced_process_that_runs() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    with running(SLEEPER) as process:
        if libc.ptrace(PTRACE_SEIZE, process.pid, None, None) != 0:
            pytest.skip("this process may not trace its own child here: %s" % os.strerror(ctypes.get_errno()))
        assert "process %d traces it" % os.getpid() in str(_obstacle(process.pid))


def test_a_zombie_is_no_obstacle_but_a_process_that_has_ended() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    try:
        wait_until(lambda: (_procfs.stat(child) or _procfs.Stat(0, "", "", 0, 0)).state == "Z")
        assert fd_process.inspect(child) == ("unknown", [], None, None)
    finally:
        os.waitpid(child, 0)
    assert fd_process.inspect(child) == ("unknown", [], None, None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"TracerPid": "0", "Seccomp": "0"}, None),
        ({}, None),
        ({"TracerPid": "814", "Seccomp": "0"}, "process 814 traces it"),
        ({"TracerPid": "0", "Seccomp": "1"}, "seccomp"),
        ({"TracerPid": "0", "Seccomp": "2"}, "seccomp"),
        ({"TracerPid": "9", "Seccomp": "2"}, "process 9 traces it"),
    ],
)
def test_what_status_says(status: Dict[str, str], expected: Optional[str]) -> None:
    found = fd_process.from_status(status)
    assert (found is None) if expected is None else (expected in str(found))


def _tree(tmp_path: Path, state: str, scope: Optional[str] = None) -> str:
    entries = {"stat": stat_line(4_100_001, "x", state), "status": "TracerPid:\t0\nSeccomp:\t0\n", "maps": ""}
    proc = tree(tmp_path, {4_100_001: entries})
    (tmp_path / "4100001" / "exe").symlink_to("/proc/self/exe")
    if scope is not None:
        (tmp_path / "sys" / "kernel" / "yama").mkdir(parents=True)
        (tmp_path / "sys" / "kernel" / "yama" / "ptrace_scope").write_text(scope)
    return proc


@pytest.mark.parametrize(
    ("state", "expected"),
    [("D", "state D"), ("T", "stopped already"), ("t", "being traced"), ("S", None), ("R", None), ("I", None)],
)
def test_states(tmp_path: Path, state: str, expected: Optional[str]) -> None:
    found = fd_process.inspect(4_100_001, _tree(tmp_path, state)).obstacle
    assert (found is None) if expected is None else (expected in str(found))


@pytest.mark.parametrize(("scope", "forbidden"), [("0\n", False), ("1\n", False), ("2\n", False), ("3\n", True)])
def test_yama(tmp_path: Path, scope: str, forbidden: bool) -> None:  # noqa: FBT001 - a table
    found = fd_process.inspect(4_100_001, _tree(tmp_path, "S", scope)).obstacle
    assert (found is not None) is forbidden
    assert found is None or "ptrace_scope = 3" in found


@pytest.mark.parametrize("scope", ["1", "2", "3"])
def test_who_forbids_it_is_told_with_the_setting(tmp_path: Path, scope: str) -> None:
    assert "kernel.yama.ptrace_scope = %s" % scope in fd_process.forbidder(_tree(tmp_path, "S", scope + "\n"))


def test_a_kernel_without_yama_is_not_blamed_on_it(tmp_path: Path) -> None:
    text = fd_process.forbidder(_tree(tmp_path, "S"))
    assert "yama" not in text.lower()
    assert "CAP_SYS_PTRACE" in text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every process; this is about who may not")
def test_who_may_not_look_does_not_go_on() -> None:
    assert "permission denied" in str(_obstacle(1))


def _stat_tree(tmp_path: Path, *processes: Tuple[int, str, int, str]) -> str:
    """A /proc with only stat files; ``processes``: pid, name, parent, terminal."""
    for pid, name, parent, terminal in processes:
        (tmp_path / str(pid)).mkdir()
        rest = " ".join(["S", str(parent), "7", "7", terminal, *["0"] * 16, "500", *["0"] * 30])
        (tmp_path / str(pid) / "stat").write_text("%d (%s) %s\n" % (pid, name, rest))
    return str(tmp_path)


@pytest.mark.parametrize(
    ("parent", "name", "terminal", "may"),
    [
        (5, "supervisord", "0", True),
        (5, "bash", "34816", False),
        (5, "nsenter", "0", False),
        (5, "sudo", "0", False),
        (0, "in another namespace", "0", False),
    ],
)
def test_who_may_be_held(tmp_path: Path, parent: int, name: str, terminal: str, may: bool) -> None:  # noqa: FBT001
    proc = _stat_tree(tmp_path, (5, name, 1, "0"), (70, "worker", parent, terminal))
    assert fd_process.may_be_held(70, proc) is may
