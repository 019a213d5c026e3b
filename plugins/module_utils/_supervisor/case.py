# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change of settings means for the programs that are there: each program, its worker, and the unit above."""

from __future__ import annotations

from typing import Optional

from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import members as supervisor_members
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import (
    programs,
    supervisord_choice,
    systemd_stop,
)
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.guard import Case
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf_files import Tree
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_location import Supervisord


def cases(daemon: Optional[Supervisord], now: Tree, then: Tree, parts: list[str]) -> list[Case]:
    """One per section. Raises PermissionError."""
    running = supervisord_choice.processes(daemon) if daemon else {}
    return [
        Case(
            part,
            programs.settings(now, part),
            programs.settings(then, part),
            supervisor_members.worker(now, part, _one_of(now, part, running)),
        )
        for part in parts
    ]


def unit(daemon: Optional[Supervisord]) -> Optional[systemd_stop.Unit]:
    """The systemd unit that supervisord itself belongs to."""
    return systemd_stop.of(daemon.pid) if daemon else None


def _one_of(tree: Tree, part: str, running: dict[str, Identity]) -> Optional[Identity]:
    for group in programs.groups(tree, part):
        for name, section in programs.processes(tree, group).items():
            if section == part and name in running:
                return running[name]
    return None
