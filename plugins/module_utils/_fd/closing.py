# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Close half-closed fds of running processes: look, decide, write down, and then one process after the other.

Sequencing only: what is seen comes from ``observation``, what may be done from ``decision`` and ``joint_decision``; a
process is worked off by ``closer``, in the ``stops`` that it takes.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._fd import joint_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import process as fd_process
from ansible_collections.closewait.remediation.plugins.module_utils._fd import report as fd_report
from ansible_collections.closewait.remediation.plugins.module_utils._fd.closer import Closer
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Target
from ansible_collections.closewait.remediation.plugins.module_utils._fd.joint_decision import Judged
from ansible_collections.closewait.remediation.plugins.module_utils._fd.journal import Intent, Logbook
from ansible_collections.closewait.remediation.plugins.module_utils._fd.observation import Observer
from ansible_collections.closewait.remediation.plugins.module_utils._fd.order import Order, Pending
from ansible_collections.closewait.remediation.plugins.module_utils._fd.report import Report


def predict(observer: Observer, targets: Sequence[Target], order: Order) -> Report:
    """What :func:`run` would do now; nothing is stopped."""
    judged = joint_decision.judge(observer, targets, order.options)
    return Report([fd_report.predicted(target, decision) for target, decision in judged.decisions], [])


def run(observer: Observer, targets: Sequence[Target], order: Order, logbook: Optional[Logbook] = None) -> Report:
    """Close what may be closed. Every target gets exactly one result, whatever happens to gdb or the process.

    With a ``logbook`` everything is written down before anything is touched; raises ``JournalError`` when it cannot be.
    """
    warnings: List[str] = []
    report = Report([], [], warnings)
    images = {pid: fd_process.image(pid) for pid in {target.pid for target in targets}}
    judged = joint_decision.judge(observer, targets, order.options)
    pending = _sorted_out(judged, report)
    if logbook is not None:
        logbook.intend(_intents(observer, judged, pending))
    laid: Dict[int, List[int]] = {}
    for pid, items in pending.items():
        results, stops = len(report.results), len(report.stops)
        Closer(observer, order, judged.plan, report, laid, images[pid]).close(items)
        if logbook is not None:
            warnings += logbook.complete(pid, report.results[results:], report.stops[stops:])
    return report


def _sorted_out(judged: Judged, report: Report) -> Dict[int, List[Pending]]:
    """Per process what is to be done, by number; what is not goes into the report."""
    pending: Dict[int, List[Pending]] = {}
    for target, decision in judged.decisions:
        if decision.outcome is None:
            item = Pending(target, str(decision.method), decision.reason, decision.settle)
            pending.setdefault(target.pid, []).append(item)
        else:
            report.results.append(fd_report.left(target, decision))
    for items in pending.values():
        items.sort(key=lambda item: item.target.fd)
    return pending


def _intents(observer: Observer, judged: Judged, pending: Mapping[int, List[Pending]]) -> List[Intent]:
    return [
        Intent(item.target, item.target.peer or observer.peer(item.target), item.method, judged.seen[item.target])
        for items in pending.values()
        for item in items
    ]
