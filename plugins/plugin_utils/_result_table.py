# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a remedy as plain text, at most 100 columns wide. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    CauseResult,
    HostResult,
    ProcessResult,
    Result,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._table import finding_lines, grouped, labelled
from ansible_collections.closewait.remediation.plugins.plugin_utils._text import clean


def of_result(result: Result) -> str:
    """Every host that had a finding, the causes, and last whether all is healed."""
    lines: list[str] = []
    for name, host in result["hosts"].items():
        lines += [f"HOST {clean(name)}", *_host(host), ""]
    if result["causes"]:
        lines += ["CAUSES", *(line for cause in result["causes"] for line in _cause(cause)), ""]
    lines.append(_headline(result))
    if result["healed"]:
        lines += [line for reason in result["may_return"] for line in labelled("-", reason, indent=2)]
    lines += [line for reason in result["not_healed"] for line in labelled("-", reason, indent=2)]
    return "\n".join(line.rstrip() for line in lines)


def _headline(result: Result) -> str:
    if not result["healed"]:
        return "NOT HEALED"
    if result["may_return"]:
        return "HEALED FOR NOW: the cause is not known, it may come back"
    return "HEALED" if result["hosts"] or result["causes"] else "NOTHING TO HEAL"


def _host(host: HostResult) -> Iterator[str]:
    if host["left_alone"]:
        yield from labelled("not tried", host["left_alone"], indent=2)
    for process in host["processes"]:
        yield from labelled("healed" if process["healed"] else "not yet", _process(process), indent=2)
    for subject in host["subjects"]:
        text = f"{subject['finding']}: {subject['subject']}: {subject['reason']}"
        yield from labelled("healed" if subject["healed"] else "not yet", text, indent=2)
    for finding in host["new"]:
        yield "  NEW"
        yield from finding_lines(finding)
    for check in host["checks"]:
        outcome = "ok" if check["ok"] else f"FAILED: {check['reason']}"
        yield from labelled("check", f"{' '.join(check['argv'])}: {outcome}", indent=2)
    for ids, reason in grouped(host["unknown"]):
        yield from labelled("unknown", f"{ids}: {reason}", indent=2)
    for error in host["errors"]:
        yield from labelled("no look", f"{error['source']}: {error['reason']}", indent=2)


def _process(process: ProcessResult) -> str:
    verdict = "" if process["verdict"] == "healed" else f"{process['verdict'].replace('_', ' ')}, "
    cpu = f"CPU {_percent(process['cpu_percent_before'])} before, {_percent(process['cpu_percent_now'])} now"
    return f"{process['pid']} {process['name']}: {verdict}{process['reason']}; {cpu}"


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.0f} %"


def _cause(cause: CauseResult) -> Iterator[str]:
    where = f"{cause['host']} ({cause['address']}:{cause['port']})"
    change = f"{cause['setting']} was {cause['before']}"
    verdict = cause["verdict"].replace("_", " ")
    yield from labelled(cause["service"], f"{where}: {change}; {verdict}, {cause['reason']}", indent=2)
