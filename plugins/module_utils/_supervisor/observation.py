# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One running supervisord as it can be seen: its programs, how they would be stopped, and whom it has killed."""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _container, _file_tail, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._celery import task_times
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import (
    history,
    programs,
    supervisord_choice,
    supervisord_conf_files,
    systemd_stop,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import members as supervisor_members
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import Supervisorctl
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    ProgramStatus,
    SupervisorctlError,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf import ConfError
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf_files import Tree
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_location import Supervisord

Fact = Dict[str, Any]
LOG_BYTES = 1 << 20
_NOT_TOLD = (None, "", "AUTO", "NONE", "syslog")


class Clock(NamedTuple):
    """``boot``: seconds since the epoch; ``ticks``: per second, the unit of start times."""

    boot: float
    ticks: int


class Daemon(NamedTuple):
    """One supervisord, what it runs by ``group:process``, and its files."""

    place: Supervisord
    start: _procfs.Stat
    running: dict[str, Identity]
    tree: Tree


def clock(proc: str = "/proc") -> Clock:
    """When start times began to count (``btime`` of proc_stat(5)). Raises OSError."""
    with open("%s/stat" % proc, encoding="ascii", errors="replace") as stream:
        boot = next((float(line.split()[1]) for line in stream if line.startswith("btime ")), 0.0)
    return Clock(boot, os.sysconf("SC_CLK_TCK"))


def daemon(place: Supervisord, start: _procfs.Stat) -> Daemon:
    """Raises ConfError with the reason why it cannot be looked at, or OSError."""
    if _container.of(place.pid) is not None:
        raise ConfError("it runs in a container: look from inside of that")
    if place.configuration is None:
        raise ConfError("which configuration file it has cannot be told")
    tree = supervisord_conf_files.read(place.configuration, _procfs.environ(place.pid))
    return Daemon(place, start, supervisord_choice.processes(place), tree)


def facts(seen: Daemon, times: Clock, max_items: int) -> Fact:
    """All that is known of it. Raises OSError."""
    started = times.boot + seen.start.start_time / times.ticks
    changed = max(os.stat(file.path).st_mtime for file in seen.tree.files)
    talk = _Talk(seen.place)
    sections = [part for part in supervisord_conf_files.names(seen.tree) if programs.is_program(part)]
    pending = talk.pending() if changed > started else {}
    states = talk.states()
    rows = [_program(seen, part, pending, states, times) for part in sections[:max_items]]
    killed = _kills(seen)
    return {
        "unit": _unit(seen.place),
        "programs": rows,
        "programs_omitted": len(sections) - len(rows),
        "kills": None if killed is None else [kill._asdict() for kill in killed[-max_items:]],
        "kills_total": None if killed is None else len(killed),
        "error": talk.error,
    }


class _Talk:
    """What only supervisord itself knows; where it does not answer, ``error`` says why and the answers are None."""

    def __init__(self, place: Supervisord) -> None:
        self.error: Optional[str] = None
        self._place = place

    def pending(self) -> Optional[dict[str, str]]:
        """Groups whose files differ from what runs: only ``reread`` tells, and that starts and stops nothing."""
        try:
            return self._control().reread()
        except (ConfError, SupervisorctlError) as exc:
            self.error = str(exc)
            return None

    def states(self) -> Optional[dict[str, ProgramStatus]]:
        try:
            return self._control().everything()
        except (ConfError, SupervisorctlError) as exc:
            self.error = str(exc)
            return None

    def _control(self) -> Supervisorctl:
        chosen = supervisord_choice.Chosen(self._place.configuration or "", self._place)
        return Supervisorctl(chosen.access(None))


def _program(
    seen: Daemon,
    part: str,
    pending: Optional[dict[str, str]],
    states: Optional[dict[str, ProgramStatus]],
    times: Clock,
) -> Fact:
    groups = programs.groups(seen.tree, part)
    names = [name for group in groups for name, of in programs.processes(seen.tree, group).items() if of == part]
    identity = next((seen.running[name] for name in names if name in seen.running), None)
    worker = supervisor_members.worker(seen.tree, part, identity)
    observed = _task_times(seen, part) if worker else task_times.TaskTimes(0, None)
    return {
        "program": part,
        "groups": groups,
        **programs.settings(seen.tree, part)._asdict(),
        "autorestart": programs.expanded(seen.tree, part, "autorestart", "unexpected"),
        "changed_at": _changed_at(seen.tree, part),
        "in_force": None if pending is None else not any(group in pending for group in groups),
        "celery": worker and {"pool": worker.pool, "limits_s": _limits(worker.time_limit, worker.soft_time_limit)},
        "tasks_seen": observed.seen,
        "longest_task_s": observed.longest,
        "processes": [_process(name, seen.running.get(name), states, times) for name in names],
    }


def _process(name: str, identity: Optional[Identity], states: Optional[dict[str, ProgramStatus]], times: Clock) -> Fact:
    status = states.get(name) if states is not None else None
    return {
        "name": name,
        "state": status.state if status else None,
        "pid": identity.pid if identity else None,
        "start_time": identity.start_time if identity else None,
        "started_at": times.boot + identity.start_time / times.ticks if identity else None,
    }


def _limits(*limits: Optional[float]) -> List[float]:
    return [limit for limit in limits if limit is not None]


def _changed_at(tree: Tree, part: str) -> float:
    """When the youngest of the files that define the program was written."""
    paths = [file.path for file in tree.files if any(section.name == part for section in file.sections)]
    return max(os.stat(path).st_mtime for path in paths)


def _unit(place: Supervisord) -> Optional[Fact]:
    unit = systemd_stop.of(place.pid)
    if unit is None:
        return None
    # JSON has no infinity.
    return {"name": unit.name, "stop_timeout_s": None if unit.stop_timeout == float("inf") else unit.stop_timeout}


def _kills(seen: Daemon) -> Optional[List[history.Kill]]:
    """None when its log cannot be read."""
    named = programs.expanded(seen.tree, "supervisord", "logfile", "supervisord.log")
    try:
        path = os.path.join(os.readlink("/proc/%d/cwd" % seen.place.pid), named or "")
        return history.kills(_file_tail.read(path, LOG_BYTES))
    except OSError:
        return None


def _task_times(seen: Daemon, part: str) -> task_times.TaskTimes:
    """Of the end of the worker's log, where the configuration says which file that is."""
    texts = []
    for option in ("stdout_logfile", "stderr_logfile"):
        path = programs.expanded(seen.tree, part, option, None)
        if path not in _NOT_TOLD and os.path.isabs(path or ""):
            try:
                texts.append(_file_tail.read(path or "", LOG_BYTES))
            except OSError:
                continue
    return task_times.of("\n".join(texts))
