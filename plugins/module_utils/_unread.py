# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector of facts could not read, in the words of the facts."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _netlink, _procfs

Errors = List[Dict[str, str]]
RUN_AS_ROOT = "run it as root (become: true)"


def denied(pids: Sequence[int], errors: Errors, proc: str) -> None:
    """Processes that only root may look into; what root may not is among the :func:`unreadable` alone."""
    if pids and os.geteuid():
        failed_for(errors, proc, "permission denied for %d processes; %s" % (len(pids), RUN_AS_ROOT))


def unreadable(pids: Sequence[int], max_items: int, proc: str) -> Dict[str, Any]:
    """Processes that could not be looked into: a security module or capabilities can stop even root."""
    stats = [stat for stat in (_procfs.stat(pid, proc) for pid in pids) if stat]
    rows = [{"pid": stat.pid, "start_time": stat.start_time, "name": stat.name} for stat in stats]
    return {"total": len(rows), "processes": rows[:max_items], "omitted": max(0, len(rows) - max_items)}


def failed(errors: Errors, source: str, exc: OSError) -> None:
    """Note why the kernel did not answer."""
    failed_for(errors, source, _reason(exc))


def failed_for(errors: Errors, source: str, reason: str) -> None:
    """Note what could not be read, and why."""
    errors.append({"source": source, "reason": reason})


def _reason(exc: OSError) -> str:
    if isinstance(exc, _netlink.NetlinkError):
        return "%s; inet_diag must be built into the kernel or loadable (modprobe tcp_diag)" % exc.strerror
    if isinstance(exc, PermissionError) or exc.errno == 1:
        return "permission denied; %s" % RUN_AS_ROOT
    return str(exc.strerror or exc)
