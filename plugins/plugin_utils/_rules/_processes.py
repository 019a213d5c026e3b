# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that a finding is about and that use hardly any CPU, so that only sometimes the CPU facts know of them."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import AffectedProcess
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import HalfClosedProcess, Holder
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Scene


def measured(scene: Scene, pid: int, start_time: int) -> Process | None:
    """What the CPU facts know of it; None when it is not among those measured."""
    cpu = scene.facts.get("cpu")
    listed = cpu["processes"] or [] if cpu else []
    same = [process for process in listed if process["pid"] == pid and process["start_time"] == start_time]
    return same[0] if same else None


def named(row: HalfClosedProcess | Holder) -> AffectedProcess:
    """The process as a finding names it, when nothing more is known of it."""
    return {
        "pid": row["pid"],
        "start_time": row["start_time"],
        "name": row["name"],
        "cmdline": [],
        "runtime": None,
        "supervisor": None,
    }
