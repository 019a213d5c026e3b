# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process is, for a finding that names it: command line, runtime, supervisor."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _cmdline, _procfs, _runtime, _supervision


def described(pid: int, proc: str = "/proc") -> Dict[str, Any]:
    """``{cmdline, runtime, supervisor}``, each as in the ``cpu`` subset."""
    return {
        "cmdline": _cmdline.shown(_procfs.cmdline(pid, proc)),
        "runtime": _detected(pid, proc),
        "supervisor": _supervisor(pid, proc),
    }


def _detected(pid: int, proc: str) -> Optional[Dict[str, Any]]:
    """None when even root may not look (a security module, capabilities)."""
    try:
        return dict(_runtime.detect(pid, proc)._asdict())
    except PermissionError:
        return None


def _supervisor(pid: int, proc: str) -> Optional[Dict[str, Any]]:
    try:
        found = _supervision.of(pid, proc)
    except PermissionError:
        return None
    return {"kind": found.kind if found else None, "name": found.name if found else None}
