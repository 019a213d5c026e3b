# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host that was just changed is better for it, so that the next ones may follow. Pure.

A spin does not end by removing its cause, so a finding is expected to be gone when everything has been done that the
plan allows for it. What no action is for cannot be held against it. Worse must no host be at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    HostResult,
    Plan,
    ProcessResult,
    Result,
    Stage,
)


def failures(result: Result, plan: Plan, dark: Mapping[str, str], stages: Iterable[Stage]) -> dict[str, str]:
    """Why each host speaks against going on; one that does not is not there.

    ``result``: of the hosts of the batch. ``dark``: those that could not be looked at, and why. ``stages``: all that
    has been done so far.
    """
    done = frozenset(stages)
    found = {name: "; ".join(_on(host, _dealt_with(plan, name, done))) for name, host in result["hosts"].items()}
    unseen = {name: f"it could not be looked at: {reason}" for name, reason in dark.items()}
    return {name: reason for name, reason in found.items() if reason} | unseen


def _dealt_with(plan: Plan, host: str, done: frozenset[Stage]) -> frozenset[str]:
    """The findings of the host for which something was to be done, here or elsewhere, and nothing is left to do."""
    stages: dict[str, set[Stage]] = {}
    for action in plan["actions"]:
        if action["allowed"] and host in action["hosts"]:
            for finding in action["findings"]:
                stages.setdefault(finding, set()).add(action["stage"])
    return frozenset(finding for finding, needed in stages.items() if needed <= done)


def _on(seen: HostResult, dealt_with: frozenset[str]) -> Iterator[str]:
    yield from (f"process {row['pid']}: {row['reason']}" for row in seen["processes"] if _bad(row, dealt_with))
    yield from (
        f"{row['finding']}: {row['reason']}"
        for row in seen["subjects"]
        if row["finding"] in dealt_with and not row["healed"]
    )
    yield from (f"new: {finding['title']}" for finding in seen["new"])
    yield from (f"{' '.join(check['argv'])} failed: {check['reason']}" for check in seen["checks"] if not check["ok"])


def _bad(process: ProcessResult, dealt_with: frozenset[str]) -> bool:
    if process["healed"]:
        return False
    return process["verdict"] in ("worse", "gone") or bool(dealt_with.intersection(process["findings"]))
