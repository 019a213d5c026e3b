# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What supervisord's programs left behind: the environment names a program, and no supervisord is above the process.

supervisord exports SUPERVISOR_PROCESS_NAME to what it starts, and that to its children ("Subprocess Environment" in its
manual), so grandchildren are found as well. A process that was started *after* the one that supervisord runs now under
that name is none of these: a daemon that a supervised program has started on purpose looks like that.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs, _supervision
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisord_location

#: Who is left behind gets this one as its parent (or a subreaper); it never is one of them.
_INIT = 1
_ENDED = "ZX"


class Orphan(NamedTuple):
    """``program``: ``group:process``; ``current``: what supervisord runs under that name now, None when it does not."""

    stat: _procfs.Stat
    program: str
    current: Optional[Identity]


class Found(NamedTuple):
    """``denied``: processes whose environment could not be read."""

    orphans: list[Orphan]
    denied: int


def find(current: Mapping[str, Identity], proc: str = "/proc") -> Found:
    """``current``: what every supervisord of this host runs, by ``group:process``."""
    orphans: list[Orphan] = []
    denied = 0
    for pid in _procfs.pids(proc):
        if pid == _INIT:
            continue
        try:
            program = _supervision.from_environ(_procfs.environ(pid, proc))
        except PermissionError:
            denied += 1
            continue
        stat = _procfs.stat(pid, proc) if program else None
        if program and stat and stat.state not in _ENDED and supervisord_location.ancestor(pid, proc) is None:
            orphan = Orphan(stat, program.name, current.get(program.name))
            orphans += [orphan] if left_behind(orphan) else []
    return Found(orphans, denied)


def left_behind(orphan: Orphan) -> bool:
    """Whether it is older than what runs under its name now."""
    return orphan.current is None or orphan.stat.start_time < orphan.current.start_time
