# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acts: which system call with which arguments, what its answer means, and waiting for a loop to sleep."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path
from typing import List, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _fd_copy, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import act as fd_act
from ansible_collections.closewait.remediation.plugins.module_utils._fd import injection as fd_injection
from ansible_collections.closewait.remediation.plugins.module_utils._fd import stop as fd_stop
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Target
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    WAIT_S,
    half_closed,
    inode,
    running,
    wait_until,
)

TARGET = Target(60, 5, 31, 900, None, ghost=False)


class Recorder(fd_stop.Stop):
    """In the place of a stopped process: remembers what is called and answers as told."""

    def __init__(self, answer: int) -> None:
        self.calls: List[Tuple[int, ...]] = []
        self._answer = answer

    def call(self, number: int, *arguments: int) -> int:
        self.calls.append((number, *arguments))
        return self._answer


def test_each_act_is_one_system_call() -> None:
    stop = Recorder(0)
    fd_act.unregister(stop, TARGET, [9, 12])
    fd_act.close(stop, 31)
    fd_act.place(stop, 40, TARGET, os.O_CLOEXEC | os.O_NONBLOCK | os.O_RDWR)
    fd_act.place(stop, 40, TARGET, os.O_RDWR)
    assert stop.calls == [
        (233, 9, 2, 31, 0),
        (233, 12, 2, 31, 0),
        (3, 31),
        (292, 40, 31, os.O_CLOEXEC),
        (292, 40, 31, 0),
    ]


def test_a_run_of_numbers_is_one_system_call_where_the_kernel_has_it() -> None:
    stop = Recorder(0)
    assert fd_act.close_run(stop, 31, 40)
    assert stop.calls == [(436, 31, 40, 0)]
    assert not fd_act.close_run(Recorder(-errno.ENOSYS), 31, 40)
    with pytest.raises(fd_injection.InjectionError, match=r"close_range\(31, 40\) failed"):
        fd_act.close_run(Recorder(-errno.EINVAL), 31, 40)


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (os.O_RDWR, 1),
        (os.O_RDWR | os.O_NONBLOCK, 1 | 0o4000),
        (os.O_RDWR | os.O_CLOEXEC, 1 | 0o2000000),
        (os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_APPEND, 1 | 0o2004000),
    ],
)
def test_the_spare_has_the_flags_of_what_it_replaces(flags: int, kind: int) -> None:
    stop = Recorder(77)
    assert fd_act.open_spare(stop, os.getpid(), int(socket.AF_INET6), flags).number == 77
    assert stop.calls == [(41, 10, kind, 0)]


def _read(number: int) -> bytes:
    with socket.socket(fileno=os.dup(number)) as sock:
        return sock.recv(1)


def test_a_read_of_the_spare_finds_the_end_and_a_write_fails() -> None:
    spare, stop = socket.socket(), Recorder(0)
    with pytest.raises(OSError, match="not connected"):
        _read(spare.fileno())
    with contextlib.closing(_fd_copy.Source(os.getpid())) as source:
        fd_act.shut(stop, fd_act.Spare(os.getpid(), spare.fileno(), inode(spare)), source)
    assert _read(spare.fileno()) == b""
    with pytest.raises(BrokenPipeError):
        spare.send(b"x")
    assert stop.calls == [], "it needs no call of the process"


def test_only_our_own_socket_is_shut() -> None:
    spare = socket.socket()
    with contextlib.closing(_fd_copy.Source(os.getpid())) as source:
        other = fd_act.Spare(os.getpid(), spare.fileno(), inode(spare) + 1)
        with pytest.raises(fd_injection.InjectionError, match="not our socket"):
            fd_act.shut(Recorder(0), other, source)
    with pytest.raises(OSError, match="not connected"):
        _read(spare.fileno())


def test_without_copies_the_process_shuts_it_itself() -> None:
    stop = Recorder(-errno.ENOTCONN)
    fd_act.shut(stop, fd_act.Spare(60, 40, 900), None)
    assert stop.calls == [(48, 40, 2)]
    with pytest.raises(fd_injection.InjectionError, match=r"shutdown\(40\) failed"):
        fd_act.shut(Recorder(-errno.EBADF), fd_act.Spare(60, 40, 900), None)


def test_every_refusal_of_the_kernel_is_an_error_with_its_name() -> None:
    stop = Recorder(-errno.EMFILE)
    for act in (
        lambda: fd_act.unregister(stop, TARGET, [9]),
        lambda: fd_act.close(stop, 31),
        lambda: fd_act.open_spare(stop, 60, 2, 0),
        lambda: fd_act.place(stop, 40, TARGET, 0),
    ):
        with pytest.raises(fd_injection.InjectionError, match="Too many open files"):
            act()


def test_whether_a_number_leads_elsewhere() -> None:
    with half_closed() as sock:
        target = TARGET._replace(pid=os.getpid(), fd=sock.fileno(), inode=inode(sock))
        assert not fd_act.is_off(target)
        assert fd_act.is_off(target._replace(inode=inode(sock) + 1))
        sock.close()
        assert fd_act.is_off(target)


def test_a_spare_is_known_by_its_inode() -> None:
    with half_closed() as sock:
        spare = fd_act.Spare(os.getpid(), sock.fileno(), inode(sock))
        assert fd_act.is_there(spare)
        assert not fd_act.is_there(spare._replace(inode=inode(sock) + 1))
        assert not fd_act.is_there(spare._replace(number=4321))
        assert not fd_act.is_there(spare._replace(inode=None, number=4321))


def _as_target(pid: int) -> Target:
    stat = _procfs.stat(pid)
    assert stat is not None
    return TARGET._replace(pid=pid, start_time=stat.start_time)


def test_a_process_that_sleeps_has_settled() -> None:
    with running("import time\nprint(1)\ntime.sleep(60)") as process:
        wait_until(lambda: (_procfs.stat(process.pid) or _procfs.Stat(0, "", "", 0, 0)).state == "S")
        assert fd_act.settle(_as_target(process.pid), [], WAIT_S)


def test_a_process_that_spins_never_settles() -> None:
    with running("print(1)\nwhile True: pass") as process:
        assert not fd_act.settle(_as_target(process.pid), [], 0.15)


def test_a_process_that_is_starved_of_the_cpu_is_waited_for(tmp_path: Path) -> None:
    """Its thread wants a CPU and gets none: the second that others get says nothing about it."""
    pid = os.getpid()
    folder = tmp_path / str(pid) / "task" / str(pid)
    folder.mkdir(parents=True)
    _write_stat(tmp_path, pid, ticks=7)
    starved = fd_act._running(pid, str(tmp_path))
    assert starved == {pid: 7}
    assert not fd_act._had_their_turn(pid, starved, 1.0, str(tmp_path))
    _write_stat(tmp_path, pid, ticks=7 + os.sysconf("SC_CLK_TCK"))
    assert fd_act._had_their_turn(pid, starved, 1.0, str(tmp_path))


def _write_stat(proc: Path, pid: int, ticks: int) -> None:
    fields = ["R", *["0"] * 10, str(ticks), *["0"] * 30]
    (proc / str(pid) / "stat").write_text("%d (x) %s" % (pid, " ".join(fields)))


LOOP_BESIDE_A_BUSY_THREAD = """
import select, threading
epoll = select.epoll()
threading.Thread(target=epoll.poll, daemon=True).start()
print(epoll.fileno())
while True: pass
"""


def test_a_loop_that_waits_has_settled_whatever_other_threads_do() -> None:
    with running(LOOP_BESIDE_A_BUSY_THREAD) as process:
        epoll = next(number for number in range(3, 50) if _procfs.link(process.pid, number) == _procfs.EVENTPOLL)
        assert fd_act.settle(_as_target(process.pid), [epoll], WAIT_S)
        assert not fd_act.settle(_as_target(process.pid), [epoll, epoll + 1], 0.15)
        assert not fd_act.settle(_as_target(process.pid), [], 0.15)


LOOP_IN_A_THREAD = """
import threading, time
def loop():
    while True: pass
threading.Thread(target=loop, daemon=True).start()
print(1)
time.sleep(60)
"""


def test_the_loop_need_not_be_in_the_main_thread() -> None:
    with running(LOOP_IN_A_THREAD) as process:
        assert not fd_act.settle(_as_target(process.pid), [], 0.15)


def test_another_process_with_that_pid_has_not_settled() -> None:
    with running("import time\nprint(1)\ntime.sleep(60)") as process:
        target = _as_target(process.pid)
        assert not fd_act.settle(target._replace(start_time=target.start_time + 1), [], WAIT_S)
        process.kill()
        process.wait()
        assert not fd_act.settle(target, [], WAIT_S)
