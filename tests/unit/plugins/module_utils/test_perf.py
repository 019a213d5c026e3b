# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting the system calls of a process that runs on: the ring's records, and a real program."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, List, Mapping

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._perf import (
    counter,
    process_calls,
    ring,
    syscall_numbers,
    tracepoint,
)
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import running, wait_until

#: Fails to find a file some hundred times a second, and never waits for events. The ring has room for seconds of it.
FAILS = "import os, time\nprint(1)\nwhile True:\n    os.path.exists('/nowhere/to/be/found')\n    time.sleep(0.005)"
#: Waits for events, and moves a byte each time.
WORKS = """import os, select
a, b = os.pipe()
print(1)
while True:
    os.write(b, b'x')
    select.select([a], [], [], 1)
    os.read(a, 1)
"""


def _sample(number: int, returned: int) -> bytes:
    """As Linux 6.18 writes it: header, size of the raw data, common fields, number, answer, padding."""
    raw = struct.pack("HBBi", 442, 0, 0, 4711) + struct.pack("qq", number, returned) + b"\0" * 4
    return struct.pack("IHH", 9, 2, 8 + 4 + len(raw)) + struct.pack("I", len(raw)) + raw


def test_records() -> None:
    lost = struct.pack("IHHQQ", 2, 0, 24, 1, 5)
    data = (_sample(257, -2) + lost + _sample(1, -28)).ljust(4096, b"\0")
    assert [*ring.answers(data, 0, 104)] == [ring.Answer(257, -2), ring.Answer(1, -28)]
    assert [*ring.answers(data, 40, 104)] == [ring.Answer(1, -28)]
    assert [*ring.answers(data, 104, 104)] == []


def test_a_record_that_goes_round_the_end() -> None:
    record = _sample(44, -32)
    data = record[24:] + b"\0" * (4096 - 40) + record[:24]
    assert [*ring.answers(data, 4096 * 7 - 24, 4096 * 7 + 16)] == [ring.Answer(44, -32)]


@pytest.mark.parametrize("head", [0, 39, 4096])
def test_what_is_no_record_ends_the_reading(head: int) -> None:
    assert [*ring.answers(b"\0" * 4096, 0, head)] == []


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_numbers(machine: str) -> None:
    table = syscall_numbers.numbers(machine)
    assert table
    assert len({*table.values()}) == len(table)
    assert {"epoll_pwait", "read", "write", "sendto", "recvfrom", "openat"} <= {*table}
    assert syscall_numbers.names(table)[table["write"]] == "write"


def test_the_numbers_of_another_machine_are_not_known() -> None:
    assert syscall_numbers.numbers("vax") is None


def test_a_place_without_tracefs_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "debug/events/raw_syscalls/sys_exit"
    folder.mkdir(parents=True)
    (folder / "id").write_text("614\n")
    assert tracepoint.sys_exit((str(tmp_path / "tracing"), str(tmp_path / "debug"))) == 614


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_where_tracefs_cannot_be_mounted_it_is_said_and_nothing_stays(tmp_path: Path) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    with pytest.raises(OSError, match="tracefs cannot be mounted"):
        tracepoint.sys_exit((str(tmp_path / "nowhere"),))
    assert Path("/proc/self/mountinfo").read_text() == before


@pytest.fixture(name="number")
def _number() -> int:
    """The tracepoint, where this machine lets it be used."""
    table = syscall_numbers.numbers()
    try:
        number = tracepoint.sys_exit()
        process_calls.ProcessCalls(number, table or {}, [os.getpid()]).close()
    except OSError as exc:
        pytest.skip("system calls cannot be counted here: %s" % exc)
    return number


@contextlib.contextmanager
def _following(number: int, pid: int) -> Iterator[process_calls.ProcessCalls]:
    table = syscall_numbers.numbers()
    assert table is not None
    calls = process_calls.ProcessCalls(number, table, [pid])
    try:
        yield calls
    finally:
        calls.close()


def _together(calls: process_calls.ProcessCalls, enough: int) -> List[process_calls.Look]:
    """One look after the other, until the process was seen at work or much time has passed."""
    seen: List[process_calls.Look] = []
    for _turn in range(100):
        time.sleep(0.05)
        seen.append(calls.look())
        if sum(one.total for one in seen) >= enough:
            break
    return seen


def _stop(program: subprocess.Popen[str]) -> None:
    """When it is seen stopped, the call in which the signal met it has been counted."""
    program.send_signal(signal.SIGSTOP)
    wait_until(lambda: _state(program.pid) == "T")


def _state(pid: int) -> str:
    stat = _procfs.stat(pid)
    assert stat is not None, "the program has ended"
    return stat.state


def test_calls_that_fail(number: int) -> None:
    with running(FAILS) as program:
        # It stands still while one counter after the other begins, and while they are read for the last time: a call
        # in between would be in one of them and not in the other.
        _stop(program)
        with _following(number, program.pid) as calls:
            program.send_signal(signal.SIGCONT)
            seen = _together(calls, 200)
            _stop(program)
            seen.append(calls.look())
    names: Mapping[int, str] = syscall_numbers.names(syscall_numbers.numbers() or {})
    failed = {(names.get(key[0], ""), key[1]) for look in seen for key in look.failed}
    assert failed & {("newfstatat", errno.ENOENT), ("stat", errno.ENOENT), ("statx", errno.ENOENT)}
    assert sum(look.failing for look in seen) >= 50
    # A call between the reading of the counter and that of the ring is counted by the next look.
    assert sum(look.failing for look in seen) == sum(sum(look.failed.values()) for look in seen)
    assert not any(look.moved for look in seen)
    # Before Python 3.11 time.sleep() is a select().
    assert sys.version_info < (3, 11) or not any(look.polls for look in seen)


def test_calls_that_wait_and_move(number: int) -> None:
    with running(WORKS) as program, _following(number, program.pid) as calls:
        seen = _together(calls, 300)
    assert sum(look.polls for look in seen) >= 50
    assert sum(look.moved for look in seen) >= sum(look.polls for look in seen)
    assert not any(look.failing for look in seen)


def test_more_than_the_ring_holds_is_still_counted(number: int) -> None:
    fast = FAILS.replace("    time.sleep(0.005)", "")
    table = syscall_numbers.numbers()
    assert table is not None
    with running(fast) as program:
        calls = process_calls.ProcessCalls(number, table, [program.pid])
        deadline = time.monotonic() + 30
        while sum(calls._now()[3:]) < 3000 and time.monotonic() < deadline:
            time.sleep(0.1)
        look = calls.look()
        calls.close()
    assert look.failing >= 3000
    assert 500 < sum(look.failed.values()) < 1000


def test_a_thread_that_is_gone(number: int) -> None:
    with running("print(1); input()") as program:
        pid = program.pid
    with pytest.raises(OSError, match="No such process"):
        process_calls.ProcessCalls(number, syscall_numbers.numbers() or {}, [pid])


def test_nothing_stays_open(number: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    table = syscall_numbers.numbers() or {}
    calls = process_calls.ProcessCalls(number, table, [os.getpid()])
    assert len(os.listdir("/proc/self/fd")) == before + 5
    calls.close()
    calls.close()
    with pytest.raises(OSError, match="Invalid argument"):
        counter.Sampler(number, os.getpid(), "no such field == 1")
    assert len(os.listdir("/proc/self/fd")) == before
