# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of what the controller writes: ``diagnosis.json``, ``plan.json``, ``result.json`` (docs/schema/)."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import SourceError
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Runtime, Supervisor

SCHEMA_VERSION = 1

Severity = Literal["critical", "high", "medium", "low"]
Confidence = Literal["proven", "likely", "suspected"]
CauseStatus = Literal["proven", "likely", "refuted", "unknown"]
Risk = Literal["config", "live", "invasive", "disruptive"]
ActionName = Literal[
    "redis_timeout",
    "nginx_upstream",
    "mysql_timeout",
    "supervisor_stopwait",
    "redis_client_kill",
    "fd_close",
    "worker_restart",
    "advice",
]
Stage = Literal["cause", "symptom", "restart"]
HostVerdict = Literal["findings", "healthy", "unknown"]
ProcessVerdict = Literal["healed", "still_spinning", "not_healed", "gone", "worse", "could_not_look"]
SubjectVerdict = Literal["healed", "not_healed", "could_not_look"]
CauseVerdict = Literal["removed", "still_there", "could_not_look"]

#: From the gentlest to the roughest.
RISKS: tuple[Risk, ...] = ("config", "live", "invasive", "disruptive")
#: Those that a caller may rule out. Not the causes: a symptom whose cause stands is back in seconds.
FORBIDDABLE: tuple[ActionName, ...] = ("redis_client_kill", "fd_close", "worker_restart")
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


class AffectedProcess(TypedDict):
    """The process that a finding is about, named by pid and start time."""

    pid: int
    start_time: int
    name: str
    cmdline: list[str]
    runtime: Runtime | None
    supervisor: Supervisor | None


class PeerEnd(TypedDict):
    """The other end; ``host`` is its inventory name, None when the facts do not tell."""

    address: str
    port: int
    host: str | None


class Cause(TypedDict):
    """Why the peer closed: ``setting`` of ``service`` stood at ``value``."""

    status: CauseStatus
    summary: str
    peer: PeerEnd | None
    service: str | None
    setting: str | None
    value: int | None


class Target(TypedDict):
    """One fd to close; with ``ghost`` the process is the holder of the socket, never its watcher."""

    pid: int
    start_time: int
    fd: int
    inode: int
    cookie: str | None
    peer: str
    ghost: bool


class Remedy(TypedDict):
    """One thing that would help, on the inventory host ``where``."""

    action: ActionName
    where: str | None
    risk: Risk
    vars: dict[str, Any]
    why: str


class Finding(TypedDict):
    """What is wrong, how sure that is, why it happened and what would help.

    It is about a process, or about ``subject``, a text that stays the same between two looks ("program celery").
    ``evidence["told"]``: the numbers in the rule's own words, a list of texts.
    """

    id: str
    host: str
    severity: Severity
    confidence: Confidence
    title: str
    process: AffectedProcess | None
    subject: str | None
    evidence: dict[str, Any]
    cause: Cause
    remedy: list[Remedy]
    unknowns: list[str]


class Unknown(TypedDict):
    """A rule that could not answer, and why."""

    id: str
    reason: str


class HostDiagnosis(TypedDict):
    """What is known of one host; pids and start times mean nothing in another boot of it."""

    verdict: HostVerdict
    gathered_at: str | None
    boot_id: str | None
    findings: list[Finding]
    unknown: list[Unknown]
    errors: list[SourceError]


class Fleet(TypedDict):
    """Findings that only a comparison between hosts shows."""

    findings: list[Finding]


class Diagnosis(TypedDict):
    """The content of ``diagnosis.json``."""

    schema_version: int
    hosts: dict[str, HostDiagnosis]
    fleet: Fleet


class Action(TypedDict):
    """One step of the plan; ``hosts`` are all hosts whose findings asked for it, ``host`` the first of them."""

    id: str
    stage: Stage
    action: ActionName
    host: str
    hosts: list[str]
    where: str
    risk: Risk
    vars: dict[str, Any]
    findings: list[str]
    allowed: bool
    why: str


class NotHealed(TypedDict):
    """What the plan leaves as it is, and why; ``pid`` is None for what is not about one process."""

    host: str
    finding: str
    pid: int | None
    reason: str


class StaleAction(TypedDict):
    """An action of a reviewed plan that is not done, or not whole, because it is out of date."""

    id: str
    action: ActionName
    where: str
    reason: str


class Plan(TypedDict):
    """The content of ``plan.json``; ``forbid``: actions that are not allowed whatever their risk.

    ``stale``: only where a reviewed plan was given.
    """

    schema_version: int
    allow: Risk
    forbid: NotRequired[list[ActionName]]
    actions: list[Action]
    not_healed: list[NotHealed]
    stale: NotRequired[list[StaleAction]]


class ProcessResult(TypedDict):
    """How one process of the earlier diagnosis is now; it is also healed when the plan restarted it and it is gone."""

    pid: int
    start_time: int
    name: str
    findings: list[str]
    verdict: ProcessVerdict
    healed: bool
    reason: str
    cpu_percent_before: float | None
    cpu_percent_now: float | None


class SubjectResult(TypedDict):
    """How that is now which an earlier finding was about, where it was not about a process."""

    finding: str
    subject: str
    verdict: SubjectVerdict
    healed: bool
    reason: str


class CauseResult(TypedDict):
    """Whether the setting that closed connections still stands."""

    host: str | None
    address: str
    port: int
    service: str
    setting: str
    before: int | None
    now: int | None
    verdict: CauseVerdict
    reason: str


class Check(TypedDict):
    """A command that shows whether the service works."""

    argv: list[str]
    ok: bool
    reason: str


class HostResult(TypedDict):
    """One host after the remedy; ``new`` are findings that were not there before.

    ``left_alone``: why nothing was tried there, None where it was or nothing was to be done.
    """

    processes: list[ProcessResult]
    subjects: list[SubjectResult]
    new: list[Finding]
    checks: list[Check]
    unknown: list[Unknown]
    errors: list[SourceError]
    left_alone: str | None


class Result(TypedDict):
    """The content of ``result.json``."""

    schema_version: int
    healed: bool
    hosts: dict[str, HostResult]
    causes: list[CauseResult]
    not_healed: list[str]
    may_return: list[str]
