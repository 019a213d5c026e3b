# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``progress`` subset: whether the busiest processes get anywhere, over several windows.

Sources: ``/proc/PID/io``, the fd tables, inet_diag with tcp_info, the files open for writing, and counters on the
answers of system calls (perf_event_open(2)). Nothing is stopped. It shares the CPU window and so takes hardly any time
of its own.
"""

from __future__ import annotations

from typing import Dict, List

from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_options, _cpu_window, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._progress import facts as facts_
from ansible_collections.closewait.remediation.plugins.module_utils._progress import watch as watch_


def collect(options: _cpu_options.CpuOptions, window: _cpu_window.CpuWindow) -> facts_.Fact:
    """The ``progress`` facts. What could not be read of one process stands in the ``errors`` of that one."""
    errors: List[Dict[str, str]] = []
    facts: facts_.Fact = {
        "errors": errors,
        "window_s": options.window,
        "subwindows": options.subwindows - 1,
        "processes": None,
        "omitted": 0,
    }
    measured = window.measured()
    if measured is None:
        errors.append({"source": "psutil", "reason": _cpu_window.NO_PSUTIL})
        return facts
    facts["processes"] = [facts_.process(seen, _name(seen)) for seen in measured.followed]
    facts["omitted"] = measured.omitted
    return facts


def _name(seen: watch_.Followed) -> str:
    stat = _procfs.stat(seen.key.pid)
    return stat.name if stat else ""
