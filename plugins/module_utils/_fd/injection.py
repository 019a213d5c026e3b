# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System calls made *by* a stopped process, one instruction each (x86-64; syscall(2), ptrace(2)).

Registers of one stopped thread are set, it goes on to the entry and to the return of the call, where gdb catches it,
and all registers are put back. Stepping over the instruction would take half of that, but a step ends in a SIGTRAP: the
process dies of it when gdb is killed before it has heard of it. The stops at a call are no signals.
Unlike gdb's ``call`` this needs no symbol, no stack, no C library and no breakpoint, works in any runtime and in
static binaries, and touches general registers only: gdb before 14 cannot write back the extended state of CPUs with
AMX after a ``call``, and then leaks ERESTART codes into the program.
"""

from __future__ import annotations

import errno
import os
import platform
import re
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import gdb as fd_gdb

CLOSE = 3
GETPID = 39
SOCKET = 41
SHUTDOWN = 48
EPOLL_CTL = 233
DUP3 = 292
CLOSE_RANGE = 436

EPOLL_CTL_DEL = 2
MACHINE = "x86_64"

_INSTRUCTION = b"\x0f\x05"
_ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
_SAVED = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "orig_rax"),
)
#: What every :func:`call` changes besides its arguments: rcx and r11 are the kernel's (syscall(2)).
_CHANGED = ("rax", "rcx", "r11", "rip", "orig_rax")
_EXECUTABLE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \S+\s*(.*)$", re.MULTILINE)
_EM_X86_64 = 62
#: At the entry of a call the kernel has put that there (arch/x86/entry/entry_64.S); before, the call's number is in it.
_ENTERED = "$rax==%d" % -errno.ENOSYS


class InjectionError(Exception):
    """The process cannot be made to do it; the text says why."""


class SignalCameFirstError(Exception):
    """A signal came first: nothing was done, and the process must be let go to take it."""


class Registers(NamedTuple):
    """Values by name, unsigned 64 bit."""

    values: dict[str, int]


class Place(NamedTuple):
    """Address of a ``syscall`` instruction; ``lasting``: where it stays for as long as the program is the same."""

    address: int
    lasting: bool


NOWHERE = Place(0, lasting=False)


def unsupported(pid: int, proc: str = "/proc") -> Optional[str]:
    """Why this process cannot be handled on this machine; None when it can."""
    if platform.machine() != MACHINE:
        return "system calls can be made in another process on %s only, this is %s" % (MACHINE, platform.machine())
    try:
        with open("%s/%d/exe" % (proc, pid), "rb") as stream:
            header = stream.read(20)
    except OSError as exc:
        return "its executable cannot be read (%s)" % exc.strerror
    if header[:5] != b"\x7fELF\x02" or int.from_bytes(header[18:20], "little") != _EM_X86_64:
        return "it is not a 64-bit x86 program"
    return None


def find_instruction(pid: int, proc: str = "/proc") -> Place:
    """A ``syscall`` instruction in the process: in the vDSO, else in any executable mapping."""
    areas = _EXECUTABLE.findall(_procfs.maps(pid, proc))
    if not areas:
        raise InjectionError("the process has ended")
    areas.sort(key=lambda area: area[2] != "[vdso]")
    with open("%s/%d/mem" % (proc, pid), "rb", buffering=0) as memory:
        for start, end, name in areas:
            if name == "[vsyscall]":
                continue
            memory.seek(int(start, 16))
            offset = memory.read(int(end, 16) - int(start, 16)).find(_INSTRUCTION)
            if offset >= 0:
                return Place(int(start, 16) + offset, name == "[vdso]")
    raise InjectionError("no system call instruction was found in its memory")


def is_there(place: Place, pid: int, proc: str = "/proc") -> bool:
    """Whether it still is where it was found, before the process was stopped."""
    if not place.lasting:
        return False
    try:
        with open("%s/%d/mem" % (proc, pid), "rb", buffering=0) as memory:
            return os.pread(memory.fileno(), len(_INSTRUCTION), place.address) == _INSTRUCTION
    except OSError:
        return False


def attach(gdb: fd_gdb.Session, pid: int) -> Registers:
    """Stop the process; the registers of its main thread, to be restored after the last :func:`call`."""
    return Registers(gdb.attach(pid, _SAVED))


def restore(gdb: fd_gdb.Session, saved: Registers, arguments: int = len(_ARGUMENTS)) -> None:
    """Put back what calls with so many arguments have changed, and read all registers again to be sure."""
    changed = {name: saved.values[name] for name in (*_CHANGED, *_ARGUMENTS[:arguments])}
    if gdb.assign(_assign(changed), _SAVED) != saved.values:
        raise InjectionError("registers could not be put back")


def call(gdb: fd_gdb.Session, instruction: int, number: int, *arguments: int) -> int:
    """Make one system call in the selected thread; the kernel's answer, negative errno on failure.

    The caller has the registers saved before and restores them after. Raises :class:`SignalCameFirstError`.
    """
    # -1: the thread counts as not being in a system call, so the kernel restarts none with the changed registers.
    registers = {"orig_rax": -1, "rax": number, **dict(zip(_ARGUMENTS, arguments)), "rip": instruction}
    stopped, after = gdb.assign_and_call(_assign(registers), _ENTERED, ("rip", "rax"))
    if after["rip"] == instruction:
        raise SignalCameFirstError(stopped.signal or stopped.reason)
    if after["rip"] != instruction + len(_INSTRUCTION) or stopped.reason != fd_gdb.RETURN:
        raise InjectionError("the process is at an unexpected place after a system call (%s)" % stopped.reason)
    return after["rax"] - (1 << 64) if after["rax"] >> 63 else after["rax"]


def _assign(registers: dict[str, int]) -> str:
    return ",".join("$%s=%d" % item if item[1] < 1 << 63 else "$%s=%dUL" % item for item in registers.items())
