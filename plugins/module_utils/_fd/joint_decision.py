# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done with all targets of a run together, before anything is stopped."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import process as fd_process
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import (
    Decision,
    Observed,
    Options,
    Plan,
    Target,
)
from ansible_collections.closewait.remediation.plugins.module_utils._fd.observation import Observer


class Judged(NamedTuple):
    """What is to be done with each target, for whom together, and what was seen of it."""

    decisions: List[Tuple[Target, Decision]]
    plan: Plan
    seen: Mapping[Target, Observed]


def judge(observer: Observer, targets: Sequence[Target], options: Options) -> Judged:
    """What is to be done with each, and in which processes each socket is to be closed by that.

    A socket that has to stay open in one process stays open in all of them, so a refusal may bring others.
    """
    processes = {pid: fd_process.inspect(pid) for pid in {target.pid for target in targets}}
    seen = {target: observer.observe(target) for target in targets}
    plan, planned = _plan(targets, seen), len(targets) + 1
    while True:
        rows = [
            (target, fd_decision.decide(target, seen[target], processes[target.pid], options, plan))
            for target in targets
        ]
        going = [target for target, decision in rows if decision.outcome in (None, fd_decision.GONE)]
        if len(going) == planned:
            return Judged(rows, plan, seen)
        plan, planned = _plan(going, seen), len(going)


def _plan(targets: Sequence[Target], seen: Mapping[Target, Observed]) -> Plan:
    holders: Dict[int, set[int]] = {}
    for target in targets:
        holders.setdefault(target.inode, set()).add(target.pid)
    watched = frozenset(target.inode for target in targets if seen[target].epolls and seen[target].level_triggered)
    return Plan({inode: frozenset(pids) for inode, pids in holders.items()}, watched)
