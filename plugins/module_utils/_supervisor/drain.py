# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring every process of one group of supervisord's to rest, losing no work, so that the group can be replaced.

``supervisorctl update`` stops a group with the *old* ``stopwaitsecs`` and kills what takes longer, so nothing may be
left to do by then. A Celery worker first stops consuming and finishes what it has. Then each process gets its stop
signal, and as soon as it has ended, ``stop`` keeps supervisord from starting it anew.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import NamedTuple, Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs, _supervision
from ansible_collections.closewait.remediation.plugins.module_utils._celery import control as celery
from ansible_collections.closewait.remediation.plugins.module_utils._celery.control import CeleryError, Node
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity, alive
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisorctl_reply as reply
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import Supervisorctl
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    SupervisorctlError,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_session import (
    StandingOrders,
)

_LOOK_EVERY_S = 0.02
#: supervisord starts nothing anew any more when it has not done so for that long.
_QUIET_S = 1.5
#: Celery's client costs a second of CPU each time.
_ASK_EVERY_S = 1.0
#: A message may be on its way to the worker when it stops consuming.
_IDLE_ANSWERS = 2
#: ``stop`` of a process that has just begun: at most the old stopwaitsecs, which nobody knows, and some.
_STOP_S = 300


_AT_REST = (reply.STOPPED, reply.EXITED, reply.FATAL)
#: A worker, and a queue that it consumed from.
Queue = Tuple[Node, str]


class NotDrainedError(Exception):
    """Time was up or somebody did not answer; the text says what runs now and what to do next."""


class Member(NamedTuple):
    """One running process of the group. ``node``: the Celery worker it is, None for anything else."""

    name: str
    process: Identity
    signal: str
    node: Optional[Node]


def drain(control: Supervisorctl, members: list[Member], seconds: float, left_queues: list[Queue]) -> None:
    """Wait until none of them has anything to do. What stops being consumed is added to ``left_queues``.

    Raises NotDrainedError, CeleryError or SupervisorctlError; the caller then calls :func:`resume`.
    """
    deadline = time.monotonic() + seconds
    nodes = [(member, member.node) for member in members if member.node is not None]
    for _member, node in nodes:
        for name in celery.queues(node):
            left_queues.append((node, name))
            celery.stop_consuming(node, name)
    for member, node in nodes:
        _wait_until_idle(member, node, deadline)
    # The old stopwaitsecs may be too short even for a worker that has nothing to do.
    _wait_for_ends(control, members, deadline)


def resume(control: Supervisorctl, names: list[str], left_queues: list[Queue]) -> list[str]:
    """Have what ran run again, and what consumed consume again; sentences about what could not be."""
    stuck: list[str] = []
    for name in names:
        try:
            if control.status(name).state in _AT_REST:
                control.start(name)
        except SupervisorctlError as exc:
            stuck.append("%s does not run: %s" % (name, exc))
    for node, queue in left_queues:
        try:
            celery.consume(node, queue)
        except CeleryError as exc:
            stuck.append("%s does not consume from %s: %s" % (node.name, queue, exc))
    return stuck


def _wait_until_idle(member: Member, node: Node, deadline: float) -> None:
    answers = 0
    while answers < _IDLE_ANSWERS:
        if not alive(member.process):
            raise NotDrainedError("%s ended while it finished its tasks" % member.name)
        tasks = _tasks(node)
        answers = answers + 1 if tasks == 0 else 0
        if tasks != 0 and time.monotonic() >= deadline:
            left = "does not answer" if tasks is None else "still has %d tasks" % tasks
            raise NotDrainedError("%s (process %d) %s" % (member.name, member.process.pid, left))
        time.sleep(_ASK_EVERY_S)


def _tasks(node: Node) -> Optional[int]:
    # A worker with the solo pool is silent while it works.
    try:
        return celery.busy(node)
    except CeleryError:
        return None


def _wait_for_ends(control: Supervisorctl, members: list[Member], deadline: float) -> None:
    daemons = {stat.ppid for stat in (_procfs.stat(member.process.pid) for member in members) if stat is not None}
    told = {member.process.pid for member in members}
    ordered: dict[str, float] = {}
    with StandingOrders(control.access) as orders:
        for name in {member.signal for member in members}:
            orders.signal(name, [member.name for member in members if member.signal == name])
        left = members
        while left or time.monotonic() - max(ordered.values(), default=0.0) < _QUIET_S:
            left = [member for member in members if alive(member.process)]
            for member in members:
                if member not in left and (member.name not in ordered or _told_successor(daemons, member, told)):
                    orders.stop(member.name)
                    ordered[member.name] = time.monotonic()
            if left and time.monotonic() >= deadline:
                raise NotDrainedError("not ended yet: %s" % ", ".join(_named(member) for member in left))
            time.sleep(_LOOK_EVERY_S)
    for member in members:
        _see_stopped(control, member)


def _told_successor(daemons: set[int], member: Member, told: set[int]) -> bool:
    """Whether there was a process in place of one that has ended; it gets the signal once.

    The signal of ``stop`` is lost when it comes between fork and exec, where supervisord's own handler is in place yet.
    After exec the process bears its name, has no handler yet, and has not begun anything.
    """
    for pid in (pid for daemon in daemons for pid in _procfs.children(daemon) if pid not in told):
        supervisor = _supervision.from_environ(_procfs.environ(pid))
        if supervisor is not None and supervisor.name == member.name:
            told.add(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, getattr(signal, "SIG" + member.signal))
            return True
    return False


def _see_stopped(control: Supervisorctl, member: Member) -> None:
    """Make sure that supervisord has started nothing in place of a process that has ended."""
    exited = 0
    # Only the second EXITED is final: in between supervisord has decided whether to start it again.
    while exited < 2:
        status = control.status(member.name)
        exited = exited + 1 if status.state == reply.EXITED else 0
        if status.state in (reply.STOPPED, reply.FATAL):
            return
        if status.state in (reply.RUNNING, reply.STARTING, reply.BACKOFF) and status.pid != member.process.pid:
            control.stop(member.name, _STOP_S)


def _named(member: Member) -> str:
    return "%s (process %d, got %s)" % (member.name, member.process.pid, member.signal)
