# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process can be stopped and made to close an fd at all, and what it runs on."""

from __future__ import annotations

import os
from typing import List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs, _runtime
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import injection as fd_injection

_YAMA = "sys/kernel/yama/ptrace_scope"
_STATES = {
    "D": "it is in an uninterruptible wait (state D) and would not stop",
    "T": "it is stopped already (state T)",
    "t": "it is being traced (state t)",
}


class Image(NamedTuple):
    """The program that a process runs: pid and start time stay the same over execve(2), this does not.

    ``addresses``: of code and stack, which the kernel chooses anew each time (proc_pid_stat(5), fields 26 to 28).
    """

    exe: Optional[Tuple[int, int]]
    addresses: List[str]


def image(pid: int, proc: str = "/proc") -> Optional[Image]:
    """None when the process is gone or does not let itself be looked at."""
    try:
        fields = _procfs.stat_fields(pid, proc)
        found = os.stat("%s/%d/exe" % (proc, pid))
    except OSError:
        return None
    return Image((found.st_dev, found.st_ino), fields[23:26])


#: They wait for stops of what they have started (waitpid(2), WUNTRACED), and then stop themselves.
_STOP_WITH_THEIR_CHILD = ("su", "runuser", "sudo", "sudo-rs", "doas", "script", "nsenter")


def may_be_held(pid: int, proc: str = "/proc") -> bool:
    """Whether SIGSTOP does no harm around it: not to a job of a terminal, nor where the parent would join in.

    A parent in another PID namespace (nsenter(1), a container's runtime) is not seen, so it might.
    """
    try:
        fields = _procfs.stat_fields(pid, proc)
    except OSError:
        return False
    parent = _procfs.stat(int(fields[1]), proc)
    return fields[4] == "0" and parent is not None and parent.name not in _STOP_WITH_THEIR_CHILD


def now_forbids(pid: int, proc: str = "/proc") -> Optional[str]:
    """What may have come between the first look and the stop, in which we are the tracer ourselves."""
    return from_status({**_procfs.status(pid, proc), "TracerPid": "0"})


def inspect(pid: int, proc: str = "/proc") -> fd_decision.Process:
    """Look at a process from outside. A process that is gone has no obstacle; its identity says so."""
    stat = _procfs.stat(pid, proc)
    if stat is None or stat.state in "ZX":
        return fd_decision.Process("unknown", [], None, None)
    try:
        obstacle = _obstacle(pid, stat, proc)
        runtime = _runtime.detect(pid, proc)
    except PermissionError:
        return fd_decision.Process(
            "unknown",
            [],
            None,
            "permission denied even to look at it: %s" % forbidder(proc),
        )
    return fd_decision.Process(runtime.name, runtime.loops, runtime.role, obstacle)


def _obstacle(pid: int, stat: _procfs.Stat, proc: str) -> Optional[str]:
    if pid in _procfs.ancestors(os.getpid(), proc):
        return "it is this very task's own process or one of its ancestors"
    return (
        from_status(_procfs.status(pid, proc))
        or _STATES.get(stat.state)
        or _yama(proc)
        or fd_injection.unsupported(pid, proc)
    )


def from_status(status: Mapping[str, str]) -> Optional[str]:
    """What ``/proc/PID/status`` says against it."""
    tracer = status.get("TracerPid", "0")
    if tracer != "0":
        return "process %s traces it already" % tracer
    if status.get("Seccomp", "0") != "0":
        return "it runs under seccomp, which may kill it for a system call it does not expect"
    return None


def forbidder(proc: str = "/proc") -> str:
    """Who it may be that said EPERM or EACCES (ptrace(2), "Ptrace access mode checking"), in words."""
    scope = _yama_scope(proc)
    yama = "" if scope is None else ", Yama among them (kernel.yama.ptrace_scope = %s)" % scope
    return "CAP_SYS_PTRACE is missing, or seccomp or a security module forbids it" + yama


def _yama(proc: str) -> Optional[str]:
    forbids = _yama_scope(proc) == "3"
    return "the kernel forbids ptrace for everybody (kernel.yama.ptrace_scope = 3)" if forbids else None


def _yama_scope(proc: str) -> Optional[str]:
    """None where the kernel has no Yama."""
    try:
        with open("%s/%s" % (proc, _YAMA), encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return None
