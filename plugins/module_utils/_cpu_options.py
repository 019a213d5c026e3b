# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that ``cpu_facts`` and ``incident_facts`` share (documented in the doc fragment ``cpu``)."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Optional

ARGUMENTS = {
    "window": {"type": "float", "default": 1.0},
    "subwindows": {"type": "int", "default": 5},
    "min_cpu_percent": {"type": "float", "default": 5.0},
    "pids": {"type": "list", "elements": "int", "default": []},
}


class CpuOptions(NamedTuple):
    """``window`` in seconds."""

    window: float
    subwindows: int
    min_percent: float
    pids: List[int]


def parse(params: Mapping[str, Any]) -> CpuOptions:
    """The options of a module, range-checked. Raises ValueError with one line."""
    options = CpuOptions(params["window"], params["subwindows"], params["min_cpu_percent"], params["pids"])
    fault = _fault(options)
    if fault:
        raise ValueError(fault)
    return options


def _fault(options: CpuOptions) -> Optional[str]:
    if not 0.2 <= options.window <= 60:
        return "window must be between 0.2 and 60 seconds, not %g" % options.window
    if options.subwindows < 2 or options.window / options.subwindows < 0.05:
        return "subwindows must be at least 2, and each at least 0.05 s long"
    if not 0 <= options.min_percent <= 100:
        return "min_cpu_percent must be between 0 and 100"
    return None
