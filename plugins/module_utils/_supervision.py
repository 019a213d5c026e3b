# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who restarts a process, told from outside: supervisord (its environment variables) or systemd (the cgroup)."""

from __future__ import annotations

import re
from typing import Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs

_UNIT = re.compile(r"/([^/]+\.(?:service|scope))(?=/|$)", re.MULTILINE)


class Supervisor(NamedTuple):
    """``kind``: ``supervisord`` or ``systemd``; ``name``: ``group:process`` or the unit; ``url``: supervisord's own."""

    kind: str
    name: str
    url: Optional[str]


def of(pid: int, proc: str = "/proc") -> Optional[Supervisor]:
    """The supervisor of a process; None when none is known. Raises PermissionError."""
    return from_environ(_procfs.environ(pid, proc)) or from_cgroup(_procfs.cgroup(pid, proc))


def from_environ(environ: Mapping[str, str]) -> Optional[Supervisor]:
    """What supervisord exports to its programs, and they to theirs (supervisord, "Subprocess Environment")."""
    name = environ.get("SUPERVISOR_PROCESS_NAME")
    if not name:
        return None
    group = environ.get("SUPERVISOR_GROUP_NAME") or name
    return Supervisor("supervisord", "%s:%s" % (group, name), environ.get("SUPERVISOR_SERVER_URL"))


def from_cgroup(text: str) -> Optional[Supervisor]:
    """The innermost unit in ``/proc/PID/cgroup``; a session scope is a login, not a supervisor."""
    units = [unit for unit in _UNIT.findall(text) if unit.endswith(".service") and not unit.startswith("user@")]
    return Supervisor("systemd", units[-1], None) if units else None
