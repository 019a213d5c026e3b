# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drain one process of supervisord's and see it run again: a signal, patience, and a start where nobody else does."""

from __future__ import annotations

import time
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisorctl_reply as reply
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import Supervisorctl
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    SupervisorctlError,
)

_LOOK_EVERY_S = 0.1
#: After the old process ended: supervisord has to notice, wait out ``startsecs``, and perhaps try again.
_COME_BACK_S = 90
_DIES_S = 20
_ON_ITS_WAY = (reply.RUNNING, reply.STARTING, reply.BACKOFF)


class NotBackError(Exception):
    """The old process has ended and no new one stays up; the text says what supervisord reports."""


class Identity(NamedTuple):
    """A process for good; ``start_time`` in clock ticks since boot."""

    pid: int
    start_time: int


def alive(process: Identity) -> bool:
    """Whether that very process still runs; a zombie has ended."""
    stat = _procfs.stat(process.pid)
    return stat is not None and stat.start_time == process.start_time and stat.state not in ("Z", "X")


def main_process(program: Optional[int], process: Identity) -> Optional[Identity]:
    """The process that supervisord runs: ``process``, or one above it; None when it has just ended."""
    if program is None or program == process.pid:
        return process
    stat = _procfs.stat(program)
    # Once the child has ended, the one above it by now may be another one.
    return Identity(stat.pid, stat.start_time) if stat and alive(process) else None


def still_the_one(control: Supervisorctl, program: str, process: Identity) -> bool:
    """Whether supervisord would send a signal to that very process. Raises SupervisorctlError."""
    return control.status(program).pid == process.pid and alive(process)


def drain(control: Supervisorctl, program: str, process: Identity, signal: str, seconds: float) -> bool:
    """Send the signal once and wait for the end of the process; False when ``seconds`` pass first. Never kills."""
    control.signal(signal, program)
    deadline = time.monotonic() + seconds
    while alive(process):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def kill(control: Supervisorctl, program: str, process: Identity) -> bool:
    """Have supervisord kill that very process, and wait for its end; False where it is not supervisord's any more."""
    if alive(process):
        if not still_the_one(control, program, process):
            return False
        control.signal("KILL", program)
    deadline = time.monotonic() + _DIES_S
    while alive(process) and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
    return not alive(process)


def come_back(control: Supervisorctl, program: str, old: Identity) -> Identity:
    """Wait until the program runs with a new process, starting it when supervisord does not. Raises NotBackError."""
    deadline = time.monotonic() + _COME_BACK_S
    while True:
        status = control.status(program)
        new = _new_process(status, old)
        if new is not None:
            return new
        if status.state == reply.EXITED:
            _start(control, program)
        # STOPPED is the work of somebody who asked supervisord for it meanwhile.
        elif status.state not in _ON_ITS_WAY or time.monotonic() >= deadline:
            raise NotBackError("the old process has ended, and supervisord reports %s as %s" % (program, status.state))
        time.sleep(_LOOK_EVERY_S)


def _new_process(status: reply.ProgramStatus, old: Identity) -> Optional[Identity]:
    # For a moment after the end supervisord still reports the old process as running.
    stat = _procfs.stat(status.pid) if status.state == reply.RUNNING and status.pid else None
    new = Identity(stat.pid, stat.start_time) if stat else None
    return None if new == old else new


def _start(control: Supervisorctl, program: str) -> None:
    try:
        control.start(program)
    except SupervisorctlError as exc:
        # The client gives up waiting before a long ``startsecs`` is over; the program may be on its way all the same.
        if control.status(program).state not in _ON_ITS_WAY:
            raise NotBackError(
                "the old process has ended, and supervisord cannot start %s: %s" % (program, exc)
            ) from exc
