# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which system call a thread waits, and for which fds: ``/proc/PID/task/TID/syscall`` and ``wchan`` (proc_pid(5)).

Nothing is traced or stopped. What poll(2) and select(2) wait for stands in the memory of the process, which is read.
"""

from __future__ import annotations

import platform
import struct
from typing import Dict, List, NamedTuple, Optional, Sequence, Set

#: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h: those that can wait for long.
_X86_64 = {
    0: "read",
    1: "write",
    7: "poll",
    19: "readv",
    20: "writev",
    23: "select",
    34: "pause",
    35: "nanosleep",
    42: "connect",
    43: "accept",
    44: "sendto",
    45: "recvfrom",
    46: "sendmsg",
    47: "recvmsg",
    61: "wait4",
    72: "fcntl",
    73: "flock",
    74: "fsync",
    75: "fdatasync",
    128: "rt_sigtimedwait",
    130: "rt_sigsuspend",
    202: "futex",
    230: "clock_nanosleep",
    232: "epoll_wait",
    247: "waitid",
    270: "pselect6",
    271: "ppoll",
    281: "epoll_pwait",
    288: "accept4",
    299: "recvmmsg",
    426: "io_uring_enter",
    441: "epoll_pwait2",
}
_GENERIC = {
    22: "epoll_pwait",
    25: "fcntl",
    32: "flock",
    63: "read",
    64: "write",
    65: "readv",
    66: "writev",
    72: "pselect6",
    73: "ppoll",
    82: "fsync",
    83: "fdatasync",
    95: "waitid",
    98: "futex",
    101: "nanosleep",
    115: "clock_nanosleep",
    133: "rt_sigsuspend",
    137: "rt_sigtimedwait",
    202: "accept",
    203: "connect",
    206: "sendto",
    207: "recvfrom",
    211: "sendmsg",
    212: "recvmsg",
    242: "accept4",
    243: "recvmmsg",
    260: "wait4",
    426: "io_uring_enter",
    441: "epoll_pwait2",
}
NUMBERS: Dict[str, Dict[int, str]] = {"x86_64": _X86_64, "aarch64": _GENERIC, "riscv64": _GENERIC}

#: Their first argument is the fd they wait for.
OF_ONE_FD = frozenset(
    (
        *("read", "write", "readv", "writev", "connect", "accept", "accept4", "fcntl", "flock", "fsync", "fdatasync"),
        *("sendto", "recvfrom", "sendmsg", "recvmsg", "recvmmsg"),
    )
)
OF_EPOLL = frozenset(("epoll_wait", "epoll_pwait", "epoll_pwait2"))
OF_POLL = frozenset(("poll", "ppoll"))
OF_SELECT = frozenset(("select", "pselect6"))
RUNNING = "running"

_POLLFD = struct.Struct("=ihh")
#: Longer lists are those of an event loop, and no answer to "what is it blocked on".
MOST_FDS = 1024


class Call(NamedTuple):
    """``name``: of the system call, its number as text where it is not known, or :data:`RUNNING`."""

    name: str
    arguments: List[int]


class Wait(NamedTuple):
    """``fds``: what it waits for, an epoll fd included; None when that could not be told."""

    call: str
    wchan: str
    fds: Optional[List[int]]


def parse(text: str, machine: Optional[str] = None) -> Optional[Call]:
    """One line of ``/proc/PID/syscall``; None when it is blocked, but in no system call."""
    words = text.split()
    if not words or words[0] == "-1":
        return None
    if words[0] == RUNNING:
        return Call(RUNNING, [])
    number = int(words[0])
    names = NUMBERS.get(machine or platform.machine(), {})
    return Call(names.get(number, str(number)), [int(word, 16) for word in words[1:7]])


def waits_for(pid: int, tid: int, proc: str = "/proc") -> Optional[Wait]:
    """What the thread waits for now; None when it has ended. Raises PermissionError."""
    folder = "%s/%d/task/%d" % (proc, pid, tid)
    try:
        call = parse(_read(folder + "/syscall"))
        wchan = _read(folder + "/wchan")
    except (FileNotFoundError, ProcessLookupError):
        return None
    if call is None:
        return Wait("none", wchan, None)
    return Wait(call.name, wchan, _fds(call, "%s/%d/mem" % (proc, pid)))


def _fds(call: Call, mem: str) -> Optional[List[int]]:
    if call.name in OF_ONE_FD or call.name in OF_EPOLL:
        return call.arguments[:1]
    try:
        if call.name in OF_POLL:
            return _polled(mem, call.arguments)
        if call.name in OF_SELECT:
            return _selected(mem, call.arguments)
    except (OSError, OverflowError, ValueError):
        return None
    return []


def _polled(mem: str, arguments: Sequence[int]) -> Optional[List[int]]:
    address, count = arguments[0], arguments[1]
    if count > MOST_FDS:
        return None
    raw = _peek(mem, address, count * _POLLFD.size)
    return [fd for fd, _events, _revents in _POLLFD.iter_unpack(raw) if fd >= 0]


def _selected(mem: str, arguments: Sequence[int]) -> Optional[List[int]]:
    """Read, write and exceptional sets are bit masks of longs; only numbers below the first argument count."""
    count = arguments[0]
    if count > MOST_FDS:
        return None
    octets = (count + 63) // 64 * 8
    found: Set[int] = set()
    for address in arguments[1:4]:
        bits = int.from_bytes(_peek(mem, address, octets), "little") if address and octets else 0
        found.update(fd for fd in range(count) if bits >> fd & 1)
    return sorted(found)


def _peek(mem: str, address: int, size: int) -> bytes:
    with open(mem, "rb", buffering=0) as stream:
        stream.seek(address)
        raw = stream.read(size)
    if len(raw) != size:
        raise ValueError("%d of %d bytes" % (len(raw), size))
    return raw


def _read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as stream:
        return stream.read()
