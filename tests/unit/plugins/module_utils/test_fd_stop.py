# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One stop of one process: all its threads, everything put back, and nothing left over when it fails."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
from pathlib import Path
from typing import List, Mapping, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import gdb as fd_gdb
from ansible_collections.closewait.remediation.plugins.module_utils._fd import guardian as fd_guardian
from ansible_collections.closewait.remediation.plugins.module_utils._fd import injection as fd_injection
from ansible_collections.closewait.remediation.plugins.module_utils._fd import rescue as fd_rescue
from ansible_collections.closewait.remediation.plugins.module_utils._fd import stop as fd_stop
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    WAIT_S,
    needs_gdb,
    needs_root,
    running,
    wait_until,
)

SLEEPER = "import time\nprint(1)\ntime.sleep(60)"
TICKS = "import time\nwhile True:\n    print(1, flush=True)\n    time.sleep(0.05)"
THREADS = """
import threading, time
for _turn in range(12):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print(1)
time.sleep(60)
"""
PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17


def _states(pid: int) -> List[str]:
    tids = [int(name) for name in os.listdir("/proc/%d/task" % pid)]
    return [stat.state for stat in map(_procfs.stat, tids) if stat]


def _start_time(pid: int) -> int:
    stat = _procfs.stat(pid)
    assert stat is not None
    return stat.start_time


def _session(folder: Path) -> fd_gdb.Session:
    return fd_gdb.Session(str(shutil.which("gdb")), str(folder), WAIT_S)


@needs_gdb
@needs_root
def test_all_threads_stand_still_and_then_go_on(tmp_path: Path) -> None:
    with running(THREADS) as process, _session(tmp_path) as session:
        stop = fd_stop.Stop(session, process.pid, None)
        with stop:
            assert _states(process.pid) == ["t"] * 13
            assert stop.call(39) == process.pid
            inside = stop.elapsed_ms
            assert inside > 0
        assert stop.elapsed_ms >= inside
        frozen = stop.elapsed_ms
        wait_until(lambda: set(_states(process.pid)) == {"S"})
        assert stop.elapsed_ms == frozen
        assert process.poll() is None


@needs_gdb
@needs_root
def test_an_error_inside_the_stop_lets_the_process_go(tmp_path: Path) -> None:
    with running(SLEEPER) as process, _session(tmp_path) as session:

        def fail() -> None:
            with fd_stop.Stop(session, process.pid, None) as stop:
                stop.call(39)
                raise fd_injection.InjectionError("x")

        with pytest.raises(fd_injection.InjectionError):
            fail()
        wait_until(lambda: _states(process.pid) == ["S"])
        assert process.poll() is None
        # The session can be used again.
        with fd_stop.Stop(session, process.pid, None) as stop:
            assert stop.call(39) == process.pid


class Listener(fd_guardian.Guardian):
    """Remembers what a guardian is told, and guards nothing."""

    def __init__(self) -> None:
        self.told: List[Optional[bool]] = []

    def stopped(self, tracer: int, saved: Optional[Mapping[str, int]]) -> None:
        assert tracer > 0
        self.told.append(saved is not None)

    def released(self) -> None:
        self.told.append(None)


@needs_gdb
@needs_root
@pytest.mark.parametrize("fate", ["lives", "dies"])
def test_nobody_is_to_put_registers_back_into_a_process_that_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    """Should we be killed between the two, the guardian would give it registers that are not its own any more."""
    guardian, kill, at_release = Listener(), os.kill, []

    def watched(pid: int, number: int) -> None:
        if number == signal.SIGCONT:
            at_release.append(guardian.told[-1])
        kill(pid, number)

    monkeypatch.setattr(os, "kill", watched)
    with running(SLEEPER) as process, _session(tmp_path) as session:
        with fd_stop.Stop(session, process.pid, guardian) as stop:
            assert stop.call(39) == process.pid
            assert guardian.told == [False, True]
            if fate == "dies":
                os.killpg(session.group, signal.SIGKILL)
        wait_until(lambda: _states(process.pid) == ["S"])
        assert process.poll() is None
    assert at_release == [False]
    assert guardian.told == [False, True, False, None]


def _refuse_registers(*_arguments: object) -> None:
    raise fd_injection.InjectionError("no")


@needs_gdb
@needs_root
def test_registers_that_gdb_does_not_put_back_are_put_back_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not held, it would run on with ours between the end of gdb and that."""
    monkeypatch.setattr(fd_injection, "restore", _refuse_registers)
    with running(TICKS) as process, _session(tmp_path) as session:
        with fd_stop.Stop(session, process.pid, None) as stop:
            assert stop.call(39) == process.pid
        wait_until(lambda: process.poll() is not None or "T" not in _states(process.pid))
        assert process.stdout is not None
        assert [process.stdout.readline() for _turn in range(3)] == ["1\n"] * 3


@needs_gdb
@needs_root
def test_with_registers_of_ours_it_is_not_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError

    put_back = fd_rescue.put_back
    monkeypatch.setattr(fd_injection, "restore", _refuse_registers)
    monkeypatch.setattr(fd_rescue, "put_back", refuse)
    with running(TICKS) as process, _session(tmp_path) as session:
        with fd_stop.Stop(session, process.pid, None) as stop:
            assert stop.call(39) == process.pid
        wait_until(lambda: _states(process.pid) == ["T"])
        assert stop._saved is not None
        put_back(process.pid, stop._born, stop._saved.values)
        process.send_signal(signal.SIGCONT)
        assert process.stdout is not None
        assert [process.stdout.readline() for _turn in range(3)] == ["1\n"] * 3


@needs_gdb
@needs_root
def test_what_somebody_else_has_stopped_stays_stopped(tmp_path: Path) -> None:
    with running(SLEEPER) as process, _session(tmp_path) as session:
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: _states(process.pid) == ["T"])
        with pytest.raises(fd_gdb.GdbError, match="somebody else"), fd_stop.Stop(session, process.pid, Listener()):
            pytest.fail("it is not ours to let go")
        assert _states(process.pid) == ["T"]


@needs_gdb
@needs_root
def test_gdb_dies_while_it_holds_the_process(tmp_path: Path) -> None:
    with running(SLEEPER) as process, _session(tmp_path) as session:

        def lose() -> None:
            with fd_stop.Stop(session, process.pid, None) as stop:
                os.killpg(session._process.pid, signal.SIGKILL)
                stop.call(39)

        with pytest.raises(fd_gdb.GdbError):
            lose()
        wait_until(lambda: _states(process.pid) == ["S"])
        assert process.poll() is None


@needs_gdb
@needs_root
def test_a_process_that_somebody_traces_is_not_disturbed(tmp_path: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    with running(SLEEPER) as process, _session(tmp_path) as session:
        assert libc.ptrace(PTRACE_SEIZE, process.pid, None, None) == 0
        with pytest.raises(fd_gdb.GdbError), fd_stop.Stop(session, process.pid, None):
            pytest.fail("it cannot be traced twice")
        assert _states(process.pid) == ["S"]
        assert process.poll() is None


def test_a_left_over_stop_is_undone() -> None:
    with running(SLEEPER) as process:
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: _states(process.pid) == ["T"])
        assert fd_stop.undo_left_over_stop(process.pid, _start_time(process.pid))
        wait_until(lambda: _states(process.pid) == ["S"])


def test_a_running_process_is_left_alone() -> None:
    with running(SLEEPER) as process:
        assert not fd_stop.undo_left_over_stop(process.pid, _start_time(process.pid))


def test_another_process_with_that_pid_is_left_alone() -> None:
    with running(SLEEPER) as process:
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: _states(process.pid) == ["T"])
        assert not fd_stop.undo_left_over_stop(process.pid, _start_time(process.pid) + 1)
        assert _states(process.pid) == ["T"]


def test_a_process_that_has_ended() -> None:
    with running("print(1)") as process:
        wait_until(lambda: process.poll() is not None)
        assert not fd_stop.undo_left_over_stop(process.pid, 5)


#: As nsenter(1) and su(1) do: a stop of the child is a stop of the parent too. Says the child's pid.
JOINS_IN = """
import os, signal, time
child = os.fork()
if not child:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
while True:
    _pid, status = os.waitpid(child, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        break
    os.kill(os.getpid(), signal.SIGSTOP)
    os.kill(child, signal.SIGCONT)
"""


def test_a_parent_that_stopped_with_its_child_goes_on() -> None:
    with running(JOINS_IN) as process:
        [child] = _procfs.children(process.pid)
        before = fd_stop.parent(child)
        assert before is not None
        assert before.pid == process.pid
        os.kill(child, signal.SIGSTOP)
        wait_until(lambda: _states(process.pid) == ["T"])
        os.kill(child, signal.SIGCONT)
        assert fd_stop.undo_stop_of_parent(before)
        wait_until(lambda: _states(process.pid) == ["S"])
        assert not fd_stop.undo_stop_of_parent(before)
        os.kill(child, signal.SIGKILL)


def test_a_parent_that_was_stopped_before_stays_so() -> None:
    with running(SLEEPER) as process:
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(lambda: _states(process.pid) == ["T"])
        assert not fd_stop.undo_stop_of_parent(_procfs.stat(process.pid))
        assert _states(process.pid) == ["T"]
