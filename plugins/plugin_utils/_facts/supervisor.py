# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape of the ``supervisor`` subset. Points in time are seconds since the epoch."""

from __future__ import annotations

from typing import TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import SourceError


class Kill(TypedDict):
    """A process that was killed because ``stopwaitsecs`` was over; ``process`` is its name without the group."""

    process: str
    pid: int
    at: float | None


class SupervisedProcess(TypedDict):
    """One process of a program, by ``group:process``."""

    name: str
    state: str | None
    pid: int | None
    start_time: int | None
    started_at: float | None


class CeleryLimits(TypedDict):
    """What the command line of a Celery worker says."""

    pool: str
    limits_s: list[float]


class SupervisedProgram(TypedDict):
    """A section of the configuration; a setting is None when the file says something that cannot be told from here.

    ``in_force``: whether supervisord runs it with what the files say now, None when it could not be asked.
    ``tasks_seen``: tasks of a Celery worker whose time its log tells.
    """

    program: str
    groups: list[str]
    stopwaitsecs: int | None
    stopsignal: str | None
    stopasgroup: bool | None
    killasgroup: bool | None
    autorestart: str | None
    changed_at: float
    in_force: bool | None
    celery: CeleryLimits | None
    tasks_seen: int
    longest_task_s: float | None
    processes: list[SupervisedProcess]


class Unit(TypedDict):
    """The systemd unit of supervisord itself; ``stop_timeout_s`` None: it waits for ever."""

    name: str
    stop_timeout_s: float | None


class Daemon(TypedDict):
    """One supervisord; ``programs`` and ``kills`` are None when they could not be seen, and ``error`` says why."""

    pid: int
    start_time: int
    configuration: str | None
    unit: Unit | None
    programs: list[SupervisedProgram] | None
    programs_omitted: int
    kills: list[Kill] | None
    kills_total: int | None
    error: str | None


class Orphan(TypedDict):
    """A process left behind by ``program``; ``current_pid``: what supervisord runs under that name now."""

    pid: int
    start_time: int
    ppid: int
    name: str
    cmdline: list[str]
    program: str
    current_pid: int | None
    celery: bool


class SupervisorFacts(TypedDict):
    """The ``supervisor`` subset."""

    errors: list[SourceError]
    daemons: list[Daemon] | None
    omitted: int
    orphans: list[Orphan] | None
    orphans_omitted: int
