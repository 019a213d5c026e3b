# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers put back without gdb, into a process that somebody still holds; the rest is seen in test_fd_close."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Iterator

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import guardian as fd_guardian
from ansible_collections.closewait.remediation.plugins.module_utils._fd import rescue as fd_rescue
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import needs_root, running

#: Not 0: in a PID namespace that is the group of everybody who came from outside.
NO_GROUP = 4194301
SLEEPER = "import time\nprint(1)\ntime.sleep(60)"


def _born(pid: int) -> int:
    stat = _procfs.stat(pid)
    assert stat is not None
    return stat.start_time


@contextlib.contextmanager
def _held(pid: int, seconds: float) -> Iterator[int]:
    """Somebody traces the process for so long; his pid."""
    end, ours = os.pipe()
    holder = os.fork()
    if holder == 0:
        try:
            fd_rescue._ptrace(fd_rescue._SEIZE, pid)
            os.write(ours, b"!")
            time.sleep(seconds)
        finally:
            os._exit(0)
    try:
        assert os.read(end, 1) == b"!"
        yield holder
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
        os.close(end)
        os.close(ours)


@needs_root
def test_who_was_killed_and_has_yet_to_die_is_waited_for() -> None:
    with running(SLEEPER) as process, _held(process.pid, 0.5) as holder:
        assert fd_rescue.tracer(process.pid) == holder
        fd_rescue.put_back(process.pid, _born(process.pid), {})
        assert fd_rescue.tracer(process.pid) == 0
        assert process.poll() is None


@needs_root
def test_who_does_not_die_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fd_rescue, "_WAIT_S", 0.1)
    with running(SLEEPER) as process, _held(process.pid, 600) as holder:
        with pytest.raises(PermissionError):
            fd_rescue.put_back(process.pid, _born(process.pid), {})
        assert fd_rescue.tracer(process.pid) == holder


@needs_root
def test_another_process_with_that_pid_gets_no_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = []
    ptrace = fd_rescue._ptrace

    def noted(request: int, pid: int, data: object = None) -> None:
        requests.append(request)
        ptrace(request, pid, data)

    with running(SLEEPER) as process:
        monkeypatch.setattr(fd_rescue, "_ptrace", noted)
        with pytest.raises(ProcessLookupError):
            fd_rescue.put_back(process.pid, _born(process.pid) + 1, {})
        assert requests == [fd_rescue._SEIZE, fd_rescue._INTERRUPT, fd_rescue._DETACH]
        assert fd_rescue.tracer(process.pid) == 0


@needs_root
def test_the_guardian_lets_go_when_the_debugger_is_gone() -> None:
    """One that is killed in the middle of an attach stops the process once more."""
    with running(SLEEPER) as process, _held(process.pid, 0.5 + fd_guardian._WAIT_S):
        fd_guardian._let_go(process.pid, _born(process.pid), NO_GROUP, None)
        assert fd_rescue.tracer(process.pid) == 0


def test_a_process_that_is_gone_is_an_error() -> None:
    with running("print(1)") as process:
        process.wait()
        with pytest.raises(ProcessLookupError):
            fd_rescue.put_back(process.pid, 1, {})
