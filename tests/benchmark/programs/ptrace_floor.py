# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor: the same checked closes with nothing but ptrace(2), all in one stop.

What is looked at in the stop, and the code that looks and decides, is ours; in place of gdb there is nothing but
ptrace(2), and nobody sees to the victim should this program be killed. With the argument ``identity`` only the start
time of the process and the inode and state of each socket are looked at.

Input as ``fd_closer.py``; prints the number of closed fds. 64-bit x86 only. For measuring only: a signal or an exit at
the wrong moment is an error here, not a case.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible_collections.closewait.remediation.plugins.module_utils import _epoll, _procfs, _sock_diag
from ansible_collections.closewait.remediation.plugins.module_utils._fd import act as fd_act
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import injection as fd_injection
from ansible_collections.closewait.remediation.plugins.module_utils._fd import observation as fd_observation
from ansible_collections.closewait.remediation.plugins.module_utils._fd import process as fd_process
from ansible_collections.closewait.remediation.plugins.module_utils._fd import targets as fd_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

# include/uapi/linux/ptrace.h, linux/wait.h
SINGLESTEP, GETREGS, SETREGS, DETACH, SEIZE, INTERRUPT = 9, 12, 13, 17, 0x4206, 0x4207
WALL = 0x40000000
OPTIONS = fd_decision.Options(
    fd_decision.CLOSE,
    allow_unread=False,
    force_unwatched=False,
    force_runtime=True,
    min_age=0.0,
    force_close=True,
)

_NAMES = (
    *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"),
    *("orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"),
)
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_LIBC.ptrace.restype = ctypes.c_long


class Registers(ctypes.Structure):
    """``struct user_regs_struct`` (sys/user.h)."""

    _fields_ = [(name, ctypes.c_uint64) for name in _NAMES]


def ptrace(request: int, tid: int, data: Any = None) -> None:
    if _LIBC.ptrace(request, tid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request}, {tid}): {os.strerror(ctypes.get_errno())}")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """All threads stand still inside the ``with`` block."""
    tids = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    for tid in tids:
        ptrace(SEIZE, tid)
        ptrace(INTERRUPT, tid)
    for tid in tids:
        os.waitpid(tid, WALL)
    try:
        yield
    finally:
        for tid in tids:
            ptrace(DETACH, tid)


@contextmanager
def borrowed(tid: int) -> Iterator[None]:
    """The thread's registers may be changed inside the ``with`` block; they are put back."""
    saved = Registers()
    ptrace(GETREGS, tid, ctypes.byref(saved))
    try:
        yield
    finally:
        ptrace(SETREGS, tid, ctypes.byref(saved))


def call(tid: int, instruction: int, number: int, *arguments: int) -> None:
    """One system call in the stopped thread; raises OSError when it fails."""
    registers = Registers()
    ptrace(GETREGS, tid, ctypes.byref(registers))
    registers.rax, registers.orig_rax, registers.rip = number, 2**64 - 1, instruction
    registers.rdi, registers.rsi, registers.rdx, registers.r10 = [*arguments, 0, 0, 0, 0][:4]
    ptrace(SETREGS, tid, ctypes.byref(registers))
    ptrace(SINGLESTEP, tid)
    os.waitpid(tid, WALL)
    ptrace(GETREGS, tid, ctypes.byref(registers))
    if registers.rax or registers.rip != instruction + 2:
        raise OSError(f"system call {number} answered {registers.rax:#x}")


def same_program(pid: int, image: fd_process.Image | None) -> None:
    """All threads stand still, in the program that was there before, and nothing has come in the way."""
    moving = set(_procfs.thread_states(pid).values()) - {"t"}
    if moving or fd_process.image(pid) != image or fd_process.now_forbids(pid):
        raise SystemExit("the victim is not what it was")


def closable(target: fd_decision.Target, observer: fd_observation.Observer) -> list[int]:
    """What ours decides by in its stop; the epoll fds to take it out of."""
    seen = observer.observe(target)
    process, plan = fd_decision.Process("", [], None, None), fd_decision.Plan({}, frozenset())
    decision = fd_decision.decide(target, seen, process, OPTIONS, plan)
    if decision.outcome is not None:
        raise SystemExit(f"fd {target.fd}: {decision.reason}")
    return seen.epolls


def close_all(pid: int, targets: list[fd_decision.Target]) -> None:
    image, instruction = fd_process.image(pid), fd_injection.find_instruction(pid).address
    with fd_observation.Observer(targets) as observer:
        observer.foresee(pid)
        observer.observe(targets[0])
        with stopped(pid), borrowed(pid):
            observer.new_stop()
            same_program(pid, image)
            for target in targets:
                for epoll in closable(target, observer):
                    call(pid, instruction, fd_injection.EPOLL_CTL, epoll, fd_injection.EPOLL_CTL_DEL, target.fd)
                call(pid, instruction, fd_injection.CLOSE, target.fd)
                if not fd_act.is_off(target):
                    raise SystemExit(f"fd {target.fd} is still there")


def close_by_identity(pid: int, targets: list[fd_decision.Target]) -> None:
    channel = _sock_diag.open_socket()
    listed = {tcp.inode: tcp for tcp in _sock_diag.in_state(channel, _sock_diag.CLOSE_WAIT)}
    epolls, instruction = watching(pid), fd_injection.find_instruction(pid).address
    with stopped(pid), borrowed(pid):
        for target in targets:
            stat, link = _procfs.stat(pid), _procfs.link(pid, target.fd)
            known = listed[target.inode]
            tcp = _sock_diag.lookup(channel, known.family, known.sockid)
            if stat is None or stat.start_time != target.start_time or _procfs.socket_inode(link) != known.inode:
                raise SystemExit("the victim is not what it was")
            if tcp is None or tcp.state != _sock_diag.CLOSE_WAIT or tcp.recv_q > 1:
                raise SystemExit("the socket is not what it was")
            epoll = epolls[target.fd]
            call(pid, instruction, fd_injection.EPOLL_CTL, epoll, fd_injection.EPOLL_CTL_DEL, target.fd)
            call(pid, instruction, fd_injection.CLOSE, target.fd)


def watching(pid: int) -> dict[int, int]:
    """Watched fd -> epoll fd."""
    epolls = _procfs.fd_table(pid).epolls
    return {entry.fd: epoll for epoll in epolls for entry in _epoll.parse(_procfs.fdinfo(pid, epoll))}


def main() -> None:
    targets = fd_targets.parse(json.load(sys.stdin)["targets"])
    close = close_by_identity if sys.argv[1:] == ["identity"] else close_all
    close(targets[0].pid, targets)
    print(len(targets))


if __name__ == "__main__":
    main()
