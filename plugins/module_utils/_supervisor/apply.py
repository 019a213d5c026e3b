# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make supervisord run a group of programs as its files now say, and say for certain whether it does.

Nothing reports the ``stopwaitsecs`` that a running program really has: ``supervisor.getAllConfigInfo`` of 4.x returns
what was *read* last, which is the new value after any ``reread``, and 3.x has no such answer. What can be known, with
every version, is that ``reread`` compares each group that runs with the files, all settings of it, and a group that it
does not call changed runs with exactly these (supervisor/supervisord.py, diff_to_active).
"""

from __future__ import annotations

import time
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._celery.control import CeleryError
from ansible_collections.closewait.remediation.plugins.module_utils._restart import act as restart_act
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import drain as draining
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisorctl_reply as reply
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.drain import (
    Member,
    NotDrainedError,
    Queue,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import Supervisorctl
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    ProgramStatus,
    SupervisorctlError,
)

_LOOK_EVERY_S = 0.2
_SETTLE_S = 60
_UNSETTLED = (reply.STARTING, reply.BACKOFF, "STOPPING")
_NOBODY = Identity(0, 0)
_STANDING = (reply.STOPPED, reply.EXITED)


class NotAppliedError(Exception):
    """The group does not run as the files say; the text says what runs now and what to do next."""


class Drain(NamedTuple):
    """All running processes of a group, and the seconds that they get."""

    members: list[Member]
    seconds: float


class Work(NamedTuple):
    """A group to be replaced. ``drain`` None: at once, so that the old ``stopwaitsecs`` decides.

    ``must_run``: processes that have to run afterwards, those that run now and perhaps more.
    """

    group: str
    running: dict[str, Identity]
    must_run: list[str]
    drain: Optional[Drain]


class Applied(NamedTuple):
    """``before``, ``after``: pid of each running process by name; ``seconds`` until nothing was left to do."""

    before: dict[str, int]
    after: dict[str, int]
    seconds: float


def settled(control: Supervisorctl, group: str) -> dict[str, ProgramStatus]:
    """State of each process once none is between two states. Raises NotAppliedError or SupervisorctlError."""
    deadline = time.monotonic() + _SETTLE_S
    while True:
        found = control.group(group)
        moving = {name: status.state for name, status in found.items() if status.state in _UNSETTLED}
        if not moving:
            return found
        if time.monotonic() >= deadline:
            states = ", ".join("%s is %s" % item for item in sorted(moving.items()))
            raise NotAppliedError("%s: nothing was stopped, as it does not come to rest" % states)
        time.sleep(_LOOK_EVERY_S)


def standing(found: dict[str, ProgramStatus], autostart: set[str]) -> list[str]:
    """Processes that somebody stopped or that are done, and which an update would start. Pure."""
    return sorted(name for name, status in found.items() if status.state in _STANDING and name in autostart)


def replace(control: Supervisorctl, work: Work, update_seconds: int) -> Applied:
    """Drain the group, have it replaced, and see all that has to run run.

    ``update_seconds``: after which supervisord counts as frozen. Raises NotAppliedError.
    """
    began = time.monotonic()
    left_queues: list[Queue] = []
    try:
        if work.drain is not None:
            draining.drain(control, work.drain.members, work.drain.seconds, left_queues)
        drained = time.monotonic() - began
        control.update(work.group, update_seconds)
    except (NotDrainedError, CeleryError, SupervisorctlError) as exc:
        stuck = draining.resume(control, list(work.running), left_queues)
        raise NotAppliedError(_end_state(work.group, str(exc), stuck)) from exc
    after = {name: _back(control, name, work.running.get(name, _NOBODY)).pid for name in work.must_run}
    return Applied({name: old.pid for name, old in work.running.items()}, after, round(drained, 1))


def _back(control: Supervisorctl, name: str, old: Identity) -> Identity:
    try:
        # With autostart=false an update leaves it standing, although it ran.
        if control.status(name).state == reply.STOPPED:
            control.start(name)
        return restart_act.come_back(control, name, old)
    except (restart_act.NotBackError, SupervisorctlError) as exc:
        raise NotAppliedError("%s was replaced and does not come back: %s" % (name, exc)) from exc


def _end_state(group: str, reason: str, stuck: list[str]) -> str:
    if stuck:
        return "%s; %s. See to it by hand" % (reason, "; ".join(stuck))
    return (
        "%s. %s runs with the settings of before, consumers included. A process that got its signal and goes on"
        " ends when it is done: see then that it runs again, and try again with more time"
    ) % (reason, group)
