# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System calls made *by* a stopped process, one instruction each (x86-64; syscall(2), ptrace(2)).

Registers of one stopped thread are set, its ``syscall`` instruction is stepped over, and all registers are put back.
Unlike gdb's ``call`` this needs no symbol, no stack, no C library and no breakpoint, works in any runtime and in
static binaries, and touches general registers only: gdb before 14 cannot write back the extended state of CPUs with
AMX after a ``call``, and then leaks ERESTART codes into the program.
"""

from __future__ import annotations

import platform
import re
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _gdb

CLOSE = 3
SOCKET = 41
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
_EXECUTABLE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \S+\s*(.*)$", re.MULTILINE)
_EM_X86_64 = 62


class InjectionError(Exception):
    """The process cannot be made to do it; the text says why."""


class SignalCameFirstError(Exception):
    """A signal came first: nothing was done, and the process must be let go to take it."""


class Registers(NamedTuple):
    """Values by name, unsigned 64 bit."""

    values: dict[str, int]


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


def find_instruction(pid: int, proc: str = "/proc") -> int:
    """Address of a ``syscall`` instruction in the process: in the vDSO, else in any executable mapping."""
    with open("%s/%d/maps" % (proc, pid), encoding="utf-8", errors="replace") as stream:
        areas = _EXECUTABLE.findall(stream.read())
    areas.sort(key=lambda area: area[2] != "[vdso]")
    with open("%s/%d/mem" % (proc, pid), "rb", buffering=0) as memory:
        for start, end, name in areas:
            if name == "[vsyscall]":
                continue
            memory.seek(int(start, 16))
            offset = memory.read(int(end, 16) - int(start, 16)).find(_INSTRUCTION)
            if offset >= 0:
                return int(start, 16) + offset
    raise InjectionError("no system call instruction was found in its memory")


def save(gdb: _gdb.Session) -> Registers:
    """Registers of the selected thread."""
    return Registers(gdb.registers(_SAVED))


def restore(gdb: _gdb.Session, saved: Registers) -> None:
    """Put the registers back and read them again to be sure."""
    if gdb.assign(_assign(saved.values), _SAVED) != saved.values:
        raise InjectionError("registers could not be put back")


def call(gdb: _gdb.Session, instruction: int, number: int, *arguments: int) -> int:
    """Make one system call in the selected thread; the kernel's answer, negative errno on failure.

    The caller saves the registers before and restores them after. Raises :class:`SignalCameFirstError`.
    """
    # -1: the thread counts as not being in a system call, so the kernel restarts none with the changed registers.
    registers = {"orig_rax": -1, "rax": number, **dict(zip(_ARGUMENTS, arguments)), "rip": instruction}
    stopped, after = gdb.assign_and_step(_assign(registers), ("rip", "rax"))
    if after["rip"] == instruction:
        raise SignalCameFirstError(stopped.signal or stopped.reason)
    if after["rip"] != instruction + len(_INSTRUCTION):
        raise InjectionError("the process is at an unexpected place after a system call (%s)" % stopped.reason)
    return after["rax"] - (1 << 64) if after["rax"] >> 63 else after["rax"]


def _assign(registers: dict[str, int]) -> str:
    return ",".join("$%s=%d" % item if item[1] < 1 << 63 else "$%s=%dUL" % item for item in registers.items())
