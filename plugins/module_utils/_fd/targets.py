# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets of ``fd_close`` as given by the caller, checked. Pure."""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision

_COOKIE = re.compile(r"[0-9a-f]{16}")


def parse(rows: Iterable[Mapping[str, Any]]) -> list[fd_decision.Target]:
    """Targets, each once, in the order given. Raises ValueError with one line that names the row and the fault."""
    targets: dict[tuple[int, int], fd_decision.Target] = {}
    for number, row in enumerate(rows):
        target = fd_decision.Target(
            pid=row["pid"],
            start_time=row["start_time"],
            fd=row["fd"],
            inode=row["inode"],
            cookie=row.get("cookie"),
            ghost=bool(row.get("ghost")),
            peer=row.get("peer"),
        )
        fault = _fault(target)
        if fault:
            raise ValueError("targets[%d]: %s" % (number, fault))
        known = targets.setdefault((target.pid, target.fd), target)
        if known._replace(peer=None) != target._replace(peer=None):
            raise ValueError("targets[%d]: pid %d fd %d is named twice, differently" % (number, target.pid, target.fd))
    return list(targets.values())


def _fault(target: fd_decision.Target) -> str:
    if target.pid <= 1:
        return "pid %d can never be a target" % target.pid
    if target.fd < 0 or target.inode <= 0 or target.start_time < 0:
        return "fd, inode and start_time must come from tcp_facts of this host"
    if target.cookie is not None and not _COOKIE.fullmatch(target.cookie):
        return "cookie must be 16 hex digits, as tcp_facts gives it"
    return ""
