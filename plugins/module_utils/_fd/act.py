# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acts themselves, each one system call made by the stopped process, each one's answer checked."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from typing import Dict, Iterable, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _fd_copy, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import injection as fd_injection
from ansible_collections.closewait.remediation.plugins.module_utils._fd import stop as fd_stop

_O_NONBLOCK = os.O_NONBLOCK
_O_CLOEXEC = os.O_CLOEXEC
_SETTLE_STEP_S = 0.01
_SETTLE_QUIET_STEPS = 3
#: CPU time in which any loop ends its round, and how long a process may be starved of that.
_TURN_S = 0.05
_STARVED_S = 30.0
#: epoll_wait, epoll_pwait, epoll_pwait2 (x86-64)
_EPOLL_WAITS = ("232", "281", "441")


def unregister(stop: fd_stop.Stop, target: fd_decision.Target, epolls: Iterable[int]) -> None:
    """``epoll_ctl(EPOLL_CTL_DEL)``: it must come first, as it is impossible once the number is closed (epoll(7))."""
    for epoll_fd in epolls:
        answer = stop.call(fd_injection.EPOLL_CTL, epoll_fd, fd_injection.EPOLL_CTL_DEL, target.fd, 0)
        _check(answer, "epoll_ctl(%d, DEL, %d)" % (epoll_fd, target.fd))


def close(stop: fd_stop.Stop, number: int) -> None:
    """``close(2)``."""
    _check(stop.call(fd_injection.CLOSE, number), "close(%d)" % number)


def close_run(stop: fd_stop.Stop, first: int, last: int) -> bool:
    """``close_range(2)``; False, and nothing done, where the kernel does not have it (before Linux 5.9)."""
    answer = stop.call(fd_injection.CLOSE_RANGE, first, last, 0)
    if answer == -errno.ENOSYS:
        return False
    _check(answer, "close_range(%d, %d)" % (first, last))
    return True


class Spare(NamedTuple):
    """A socket of ours in a process: its number there and its inode."""

    pid: int
    number: int
    inode: Optional[int]


def open_spare(stop: fd_stop.Stop, pid: int, family: int, flags: int) -> Spare:
    """An unconnected TCP socket in the process; ``flags`` are the open flags of the number it is to replace."""
    kind = int(socket.SOCK_STREAM) | (flags & (_O_NONBLOCK | _O_CLOEXEC))
    answer = stop.call(fd_injection.SOCKET, family, kind, 0)
    _check(answer, "socket()")
    return Spare(pid, answer, _procfs.socket_inode(_procfs.link(pid, answer)))


def shut(stop: fd_stop.Stop, spare: Spare, source: Optional[_fd_copy.Source]) -> None:
    """``shutdown(2)`` of both sides: a read is then told of the end, as it was by the socket that was half-closed.

    Without it the read of a loop that had the number in hand fails (``ENOTCONN``), and many a program ends by that.
    The socket is not connected and the call says so, but the sides are shut (net/ipv4/af_inet.c, ``inet_shutdown``).
    ``source``: done on a copy, which is quicker than through gdb; None before Linux 5.6.
    """
    if source is None:
        answer = stop.call(fd_injection.SHUTDOWN, spare.number, socket.SHUT_RDWR)
        _check(0 if answer == -errno.ENOTCONN else answer, "shutdown(%d)" % spare.number)
        return
    with source.copy(spare.number) as copy:
        if os.fstat(copy).st_ino != spare.inode:
            raise fd_injection.InjectionError("fd %d is not our socket any more" % spare.number)
        with socket.socket(fileno=os.dup(copy)) as ours:
            _shut_unconnected(ours)


def _shut_unconnected(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError as exc:
        if exc.errno != errno.ENOTCONN:
            raise


def lowest_free(pid: int, proc: str = "/proc") -> int:
    """The number that the next file opened in a stopped process gets."""
    taken = {int(name) for name in os.listdir("%s/%d/fd" % (proc, pid))}
    return next(number for number in range(len(taken) + 1) if number not in taken)


def is_there(spare: Spare, proc: str = "/proc") -> bool:
    """Whether the number still is our socket: the process has run since, and may have used the number anew."""
    found = _procfs.socket_inode(_procfs.link(spare.pid, spare.number, proc))
    return found is not None and found == spare.inode


def place(stop: fd_stop.Stop, spare: int, target: fd_decision.Target, flags: int) -> None:
    """``dup3(2)`` of the spare over the number, which closes what was there."""
    answer = stop.call(fd_injection.DUP3, spare, target.fd, flags & _O_CLOEXEC)
    _check(answer, "dup3(%d, %d)" % (spare, target.fd))


def is_off(target: fd_decision.Target, proc: str = "/proc") -> bool:
    """Whether the number does not lead to the socket any more."""
    return _procfs.socket_inode(_procfs.link(target.pid, target.fd, proc)) != target.inode


def settle(target: fd_decision.Target, epolls: Sequence[int], seconds: float, proc: str = "/proc") -> bool:
    """Wait until the round of the loop that may have the fd in hand is over; False: it never was.

    That is when a thread waits on each of these epoll fds, or when all threads sleep. ``seconds`` is for a process that
    gets the CPU it wants: on a busy host a thread may wait for one, with the fd in hand, for longer than that.
    """
    begin, before = time.monotonic(), _running(target.pid, proc)
    quiet = 0
    while quiet < _SETTLE_QUIET_STEPS:
        elapsed = time.monotonic() - begin
        if elapsed >= seconds and (elapsed >= _STARVED_S or _had_their_turn(target.pid, before, seconds, proc)):
            return False
        time.sleep(_SETTLE_STEP_S)
        stat = _procfs.stat(target.pid, proc)
        if stat is None or stat.start_time != target.start_time:
            return False
        quiet = quiet + 1 if _at_rest(target.pid, epolls, proc) else 0
    return True


def _had_their_turn(pid: int, before: Mapping[int, int], seconds: float, proc: str) -> bool:
    """Whether every thread that wants a CPU has had one for long enough to end a round."""
    wanted = int(min(seconds, _TURN_S) * os.sysconf("SC_CLK_TCK"))
    return all(ticks - before.get(tid, ticks) >= wanted for tid, ticks in _running(pid, proc).items() if tid in before)


def _running(pid: int, proc: str) -> Dict[int, int]:
    """CPU time in clock ticks of every thread that has, or wants, a CPU (proc_pid_stat(5), fields 14 and 15)."""
    found: Dict[int, int] = {}
    with contextlib.suppress(OSError):
        for tid in map(int, os.listdir("%s/%d/task" % (proc, pid))):
            fields = _procfs.stat_fields(tid, proc)
            if fields[0] == "R":
                found[tid] = int(fields[11]) + int(fields[12])
    return found


def _at_rest(pid: int, epolls: Sequence[int], proc: str) -> bool:
    """The loop need not be the main thread's, and other threads may be busy with something else."""
    try:
        tids = os.listdir("%s/%d/task" % (proc, pid))
    except OSError:
        return False
    waited_on = {_waits_on(pid, tid, proc) for tid in tids}
    if epolls and waited_on.issuperset(epolls):
        return True
    stats = (_procfs.stat(int(tid), proc) for tid in tids)
    return all(stat is None or stat.state == "S" for stat in stats)


def _waits_on(pid: int, tid: str, proc: str) -> Optional[int]:
    """The epoll fd of the epoll_wait(2) or epoll_pwait(2) in which the thread is (proc_pid_syscall(5))."""
    try:
        with open("%s/%d/task/%s/syscall" % (proc, pid, tid), encoding="ascii") as stream:
            words = stream.read().split()
    except OSError:
        return None
    return int(words[1], 16) if words[0] in _EPOLL_WAITS and len(words) > 1 else None


def _check(answer: int, what: str) -> None:
    if answer < 0:
        raise fd_injection.InjectionError("%s failed in the process: %s" % (what, os.strerror(-answer)))
