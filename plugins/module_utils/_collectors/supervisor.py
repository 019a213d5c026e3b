# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``supervisor`` subset: every supervisord of this host, how it would stop programs, and what stops left behind.

Sources: its configuration files, its log and its programs' logs (the last MiB of each), ``supervisorctl status``, and
the environment of every process. Only where a file was changed after supervisord started, ``supervisorctl reread`` too.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _cmdline, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._celery import command as celery_command
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import (
    observation,
    orphans,
    supervisord_choice,
    supervisord_location,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf import ConfError
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_location import Supervisord

Fact = Dict[str, Any]
Errors = List[Dict[str, str]]
RUN_AS_ROOT = "run it as root (become: true)"


def collect(max_items: int) -> Fact:
    """The facts; never raises for what could not be seen. ``max_items`` caps every list."""
    errors: Errors = []
    try:
        places = supervisord_location.running()
        times = observation.clock()
    except OSError as exc:
        errors.append({"source": "/proc", "reason": str(exc)})
        return {"errors": errors, "daemons": None, "omitted": 0, "orphans": None, "orphans_omitted": 0}
    daemons = [_daemon(place, times, max_items, errors) for place in places[:max_items]]
    left = _orphans(places, errors)
    return {
        "errors": errors,
        "daemons": [row for row in daemons if row],
        "omitted": max(0, len(places) - max_items),
        "orphans": None if left is None else left[:max_items],
        "orphans_omitted": 0 if left is None else max(0, len(left) - max_items),
    }


def _daemon(place: Supervisord, times: observation.Clock, max_items: int, errors: Errors) -> Optional[Fact]:
    """None when it has ended meanwhile. What cannot be seen of it is null, and ``error`` says why."""
    start = _procfs.stat(place.pid)
    if start is None:
        return None
    row = {
        "pid": place.pid,
        "start_time": start.start_time,
        "configuration": place.configuration,
        **dict.fromkeys(("unit", "programs", "kills", "kills_total")),
        "programs_omitted": 0,
    }
    try:
        return {**row, **observation.facts(observation.daemon(place, start), times, max_items)}
    except (ConfError, OSError) as exc:
        errors.append({"source": "supervisord %d (%s)" % (place.pid, place.configuration), "reason": str(exc)})
        return {**row, "error": str(exc)}


def _orphans(places: List[Supervisord], errors: Errors) -> Optional[List[Fact]]:
    """None when no environment can be read at all."""
    current: Dict[str, Identity] = {}
    try:
        for place in places:
            current.update(supervisord_choice.processes(place))
    except PermissionError as exc:
        errors.append({"source": "environments of processes", "reason": "%s; %s" % (exc, RUN_AS_ROOT)})
        return None
    found = orphans.find(current)
    if found.denied:
        hint = RUN_AS_ROOT if os.geteuid() else "not even root may read them (a security module, a user namespace)"
        reason = "permission denied for %d processes; %s" % (found.denied, hint)
        errors.append({"source": "environments of processes", "reason": reason})
    return [_orphan(item) for item in found.orphans]


def _orphan(item: orphans.Orphan) -> Fact:
    argv = _procfs.cmdline(item.stat.pid)
    return {
        "pid": item.stat.pid,
        "start_time": item.stat.start_time,
        "ppid": item.stat.ppid,
        "name": item.stat.name,
        "cmdline": _cmdline.shown(argv),
        "program": item.program,
        "current_pid": item.current.pid if item.current else None,
        "celery": celery_command.of_argv(argv) is not None,
    }
