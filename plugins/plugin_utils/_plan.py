# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings in, ordered actions out. Pure: what is done where, what the caller allows, and what is left as it is."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    RISKS,
    SCHEMA_VERSION,
    Action,
    ActionName,
    Diagnosis,
    Finding,
    NotHealed,
    Plan,
    Remedy,
    Risk,
    Stage,
    Target,
)

STAGES: tuple[Stage, ...] = ("cause", "symptom", "restart")
STAGE_OF: dict[ActionName, Stage] = {
    "redis_timeout": "cause",
    "nginx_upstream": "cause",
    "mysql_timeout": "cause",
    "supervisor_stopwait": "cause",
    "redis_client_kill": "symptom",
    "fd_close": "symptom",
    "worker_restart": "restart",
}
REASONS_SHOWN = 3
#: Of the variables of an action, the lists that are put together where the rest is the same.
MERGED = ("targets",)


class Wish(NamedTuple):
    """A remedy that a finding asks for, on a known host."""

    finding: Finding
    remedy: Remedy
    where: str

    @property
    def stage(self) -> Stage:
        """When it is done."""
        return STAGE_OF[self.remedy["action"]]


class Permission(NamedTuple):
    """What the caller lets be done: up to this risk, and of that not these actions."""

    allow: Risk
    forbid: tuple[ActionName, ...] = ()

    def refusal(self, remedy: Remedy) -> str | None:
        """Why a remedy may not be done; None when it may."""
        action, risk = remedy["action"], remedy["risk"]
        if action in self.forbid:
            return f"{action} is ruled out by closewait_forbid"
        if not is_allowed(risk, self.allow):
            return f"{action} is {risk} and only up to {self.allow} is allowed; closewait_allow={risk} would allow it"
        return None


def plan(diagnosis: Diagnosis, allow: Risk, forbid: Iterable[ActionName] = ()) -> Plan:
    """Cause before symptom before restart, and within a stage the gentler first. ``allow`` is the roughest allowed."""
    permission = Permission(allow, tuple(forbid))
    findings = [*_findings(diagnosis)]
    groups: dict[Hashable, list[Wish]] = {}
    for wish in _needed([wish for finding in findings for wish in _wishes(finding, permission)], permission):
        groups.setdefault(_same_step(wish), []).append(wish)
    ordered = sorted(groups.values(), key=lambda group: _order(group[0]))
    return {
        "schema_version": SCHEMA_VERSION,
        "allow": permission.allow,
        "forbid": sorted(permission.forbid),
        "actions": [_action(f"a{number}", group, permission) for number, group in enumerate(ordered, 1)],
        "not_healed": [entry for finding in findings for entry in _not_healed(finding, permission)],
    }


def is_allowed(risk: Risk, allow: Risk) -> bool:
    """Whether a risk is at most the one that the caller allows."""
    return RISKS.index(risk) <= RISKS.index(allow)


def _findings(diagnosis: Diagnosis) -> Iterator[Finding]:
    """Those of the hosts: what a comparison of hosts shows is healed where it is found."""
    for host in diagnosis["hosts"].values():
        yield from host["findings"]


def _wishes(finding: Finding, permission: Permission) -> list[Wish]:
    """The remedies of a finding, without the restart where something gentler cures the symptom."""
    wishes = [
        Wish(finding, remedy, remedy["where"])
        for remedy in finding["remedy"]
        if remedy["action"] in STAGE_OF and remedy["where"] is not None
    ]
    gentler = any(wish.stage == "symptom" and wish.remedy["action"] not in permission.forbid for wish in wishes)
    return [wish for wish in wishes if not (gentler and wish.stage == "restart")]


def _needed(wishes: list[Wish], permission: Permission) -> list[Wish]:
    """Nothing is closed in a process that is restarted anyway."""
    ending = {
        (wish.where, wish.remedy["vars"]["pid"], wish.remedy["vars"]["start_time"])
        for wish in wishes
        if wish.stage == "restart" and permission.refusal(wish.remedy) is None
    }
    return [wish for wish in wishes if wish.stage != "symptom" or _process_key(wish) not in ending]


def _process_key(wish: Wish) -> tuple[str, int, int] | None:
    process = wish.finding["process"]
    return (wish.finding["host"], process["pid"], process["start_time"]) if process else None


def _same_step(wish: Wish) -> Hashable:
    """Wishes with the same key are one action: a server's setting, all closing on a host, a process's restart."""
    remedy = wish.remedy
    # A worker elsewhere is named by a pid, which another host has as well.
    elsewhere = wish.finding["host"] if wish.stage == "symptom" and wish.where != wish.finding["host"] else ""
    same = {name: value for name, value in remedy["vars"].items() if name not in MERGED}
    return (remedy["action"], wish.where, elsewhere, json.dumps(same, sort_keys=True))


def _order(wish: Wish) -> tuple[int, int, str, str]:
    return STAGES.index(wish.stage), RISKS.index(wish.remedy["risk"]), wish.where, str(_same_step(wish))


def _action(number: str, group: list[Wish], permission: Permission) -> Action:
    first = group[0]
    hosts = sorted({wish.finding["host"] for wish in group})
    return {
        "id": number,
        "stage": first.stage,
        "action": first.remedy["action"],
        "host": hosts[0],
        "hosts": hosts,
        "where": first.where,
        "risk": first.remedy["risk"],
        "vars": _merged_vars(group),
        "findings": sorted({wish.finding["id"] for wish in group}),
        "allowed": permission.refusal(first.remedy) is None,
        "why": _joined(wish.remedy["why"] for wish in group),
    }


def _merged_vars(group: list[Wish]) -> dict[str, Any]:
    if group[0].remedy["action"] != "fd_close":
        return group[0].remedy["vars"]
    targets: dict[tuple[int, int, int, int], Target] = {}
    for wish in group:
        for target in wish.remedy["vars"]["targets"]:
            targets.setdefault((target["pid"], target["start_time"], target["fd"], target["inode"]), target)
    return {**group[0].remedy["vars"], "targets": [targets[key] for key in sorted(targets)]}


def _joined(reasons: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(reasons))
    more = f" (and {len(distinct) - REASONS_SHOWN} more)" if len(distinct) > REASONS_SHOWN else ""
    return "; ".join(distinct[:REASONS_SHOWN]) + more


def _not_healed(finding: Finding, permission: Permission) -> list[NotHealed]:
    pid = finding["process"]["pid"] if finding["process"] else None
    return [
        {"host": finding["host"], "finding": finding["id"], "pid": pid, "reason": reason}
        for reason in _reasons(finding, permission)
    ]


def _reasons(finding: Finding, permission: Permission) -> Iterator[str]:
    """What of a finding stays as it is."""
    wishes = _wishes(finding, permission)
    tried = {wish.stage for wish in wishes if permission.refusal(wish.remedy) is None}
    # Of several remedies for the same one is enough.
    refusals = [permission.refusal(wish.remedy) for wish in wishes if wish.stage not in tried]
    yield from (refusal for refusal in refusals if refusal)
    # A process stays as it is when only the cause goes; what is no process was nothing but the cause.
    is_left = finding["process"] is not None or not wishes
    if is_left and all(wish.stage == "cause" for wish in wishes):
        advice = [remedy["why"] for remedy in finding["remedy"] if remedy["action"] == "advice"]
        yield f"nothing that could be done from outside cures it; {'; '.join(advice) or 'no advice'}"
    if finding["cause"]["status"] in ("unknown", "refuted") and any(wish.stage != "cause" for wish in wishes):
        yield f"the cause is not known, so it may come back: {finding['cause']['summary']}"
