# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``cpu`` subset: which processes use the CPU, how, and what they run on.

Sources: psutil and ``/proc/PID/task/*`` over a window; executable, maps, environment and command line for the runtime.
"""

from __future__ import annotations

import os
from typing import Dict, List, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _cpu_facts,
    _cpu_options,
    _cpu_sampling,
    _cpu_window,
    _procfs,
    _program,
)

Errors = List[Dict[str, str]]
Ranked = List[Tuple[_cpu_sampling.Key, _cpu_facts.Usage]]


def collect(options: _cpu_options.CpuOptions, window: _cpu_window.CpuWindow, max_items: int) -> _cpu_facts.Fact:
    """The ``cpu`` facts. ``asked`` repeats the pids given: one that is not listed did not live through the window."""
    errors: Errors = []
    facts: _cpu_facts.Fact = {
        "errors": errors,
        "window_s": options.window,
        "subwindows": options.subwindows,
        "cpus": os.cpu_count(),
        "asked": sorted(set(options.pids)),
        "processes_total": None,
        "processes": None,
        "omitted": 0,
    }
    measured = window.measured()
    if measured is None:
        errors.append({"source": "psutil", "reason": _cpu_window.NO_PSUTIL})
        return facts
    history = measured.history
    ranked = _ranked(history, options.min_percent, frozenset(options.pids))
    facts["processes_total"] = len(history)
    facts["processes"] = [process for key, usage in ranked[:max_items] for process in _process(key, usage)]
    facts["omitted"] = max(0, len(ranked) - max_items)
    return facts


def _ranked(history: _cpu_sampling.History, min_percent: float, wanted: frozenset[int]) -> Ranked:
    usages = [(key, _cpu_facts.usage(ticks)) for key, ticks in history.items()]
    kept = [
        (key, usage) for key, usage in usages if key.pid in wanted or max(usage.percent, *usage.windows) >= min_percent
    ]
    return sorted(kept, key=lambda item: (item[0].pid not in wanted, -item[1].percent, item[0].pid))


def _process(key: _cpu_sampling.Key, usage: _cpu_facts.Usage) -> list[_cpu_facts.Fact]:
    """The process as facts, in a list that is empty when it has gone meanwhile."""
    stat = _procfs.stat(key.pid)
    if stat is None or stat.start_time != key.start_time:
        return []
    status = _procfs.status(key.pid)
    return [
        {
            "pid": key.pid,
            "start_time": key.start_time,
            "ppid": stat.ppid,
            "name": stat.name,
            "uid": int(status.get("Uid", "-1").split()[0]),
            "threads": int(status.get("Threads", "0")),
            **_cpu_facts.shown(usage),
            **_program.described(key.pid),
        }
    ]
