# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers put back without gdb, after it had to be killed in the middle of a system call made for us (ptrace(2)).

The process has been sent SIGSTOP before gdb was killed: the signal waits while the process is traced, and the kernel
takes it before the first instruction after the release, so that not one runs with our registers.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from typing import Mapping

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs

_SEIZE = 0x4206
_INTERRUPT = 0x4207
_GETREGS = 12
_SETREGS = 13
_DETACH = 17
_WALL = 0x40000000
#: Let go without its registers the process would die; a thread that waits for a CPU gets one in the end.
_WAIT_S = 30.0

#: struct user_regs_struct, sys/user.h
_ORDER = (
    *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"),
    *("orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"),
)
_Registers = ctypes.c_ulong * len(_ORDER)


def put_back(pid: int, start_time: int, saved: Mapping[str, int]) -> None:
    """Give the process's main thread these registers; others keep what they are. It stays stopped by its SIGSTOP.

    Raises OSError when the process is gone or cannot be traced, or the pid is another one's by now.
    """
    wait_for_release(pid)
    _ptrace(_SEIZE, pid)
    try:
        _ptrace(_INTERRUPT, pid)
        _wait(pid)
        # While we trace it, it cannot become another one any more.
        stat = _procfs.stat(pid)
        if stat is None or stat.start_time != start_time:
            raise ProcessLookupError(errno.ESRCH, "process %d has ended" % pid)
        registers = _Registers()
        _ptrace(_GETREGS, pid, registers)
        for index, name in enumerate(_ORDER):
            registers[index] = saved.get(name, registers[index])
        _ptrace(_SETREGS, pid, registers)
    finally:
        _ptrace(_DETACH, pid)


def wait_for_release(pid: int) -> None:
    """Until nobody traces the process, but not for ever: a killed debugger has it until it got a CPU to die on."""
    deadline = time.monotonic() + _WAIT_S
    while tracer(pid) and time.monotonic() < deadline:
        time.sleep(0.001)


def tracer(pid: int) -> int:
    """Who traces the process, 0 for nobody (proc_pid_status(5))."""
    return int(_procfs.status(pid).get("TracerPid", "0"))


def _wait(pid: int) -> None:
    deadline = time.monotonic() + _WAIT_S
    while os.waitpid(pid, os.WNOHANG | _WALL)[0] != pid:
        if time.monotonic() > deadline:
            raise TimeoutError("process %d did not stop" % pid)
        time.sleep(0.001)


def _ptrace(request: int, pid: int, data: object = None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, pid, None, data) < 0:
        code = ctypes.get_errno()
        raise OSError(code, "ptrace: %s" % os.strerror(code))
