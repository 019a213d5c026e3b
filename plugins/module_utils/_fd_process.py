# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process can be stopped and made to close an fd at all, and what it runs on."""

from __future__ import annotations

import os
from typing import Mapping, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _fd_decision,
    _injection,
    _procfs,
    _runtime,
)

_YAMA = "sys/kernel/yama/ptrace_scope"
_STATES = {
    "D": "it is in an uninterruptible wait (state D) and would not stop",
    "T": "it is stopped already (state T)",
    "t": "it is being traced (state t)",
}


def inspect(pid: int, proc: str = "/proc") -> _fd_decision.Process:
    """Look at a process from outside. A process that is gone has no obstacle; its identity says so."""
    stat = _procfs.stat(pid, proc)
    if stat is None or stat.state in "ZX":
        return _fd_decision.Process("unknown", [], None, None)
    try:
        obstacle = _obstacle(pid, stat, proc)
        runtime = _runtime.detect(pid, proc)
    except PermissionError:
        return _fd_decision.Process("unknown", [], None, "permission denied even to look at it")
    return _fd_decision.Process(runtime.name, runtime.loops, runtime.role, obstacle)


def _obstacle(pid: int, stat: _procfs.Stat, proc: str) -> Optional[str]:
    if pid in _procfs.ancestors(os.getpid(), proc):
        return "it is this very task's own process or one of its ancestors"
    return (
        _STATES.get(stat.state)
        or from_status(_procfs.status(pid, proc))
        or _yama(proc)
        or _injection.unsupported(pid, proc)
    )


def from_status(status: Mapping[str, str]) -> Optional[str]:
    """What ``/proc/PID/status`` says against it."""
    tracer = status.get("TracerPid", "0")
    if tracer != "0":
        return "process %s traces it already" % tracer
    if status.get("Seccomp", "0") != "0":
        return "it runs under seccomp, which may kill it for a system call it does not expect"
    return None


def _yama(proc: str) -> Optional[str]:
    try:
        with open("%s/%s" % (proc, _YAMA), encoding="ascii") as stream:
            scope = stream.read().strip()
    except OSError:
        return None
    return "the kernel forbids ptrace for everybody (kernel.yama.ptrace_scope = 3)" if scope == "3" else None
