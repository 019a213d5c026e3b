# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of all hosts in, the diagnosis out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.closewait.remediation.plugins.plugin_utils import _fleet_rules, _rules
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    SCHEMA_VERSION,
    SEVERITIES,
    Diagnosis,
    Finding,
    HostDiagnosis,
    HostVerdict,
    Unknown,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import SourceError
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._gathered import Gathered
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _peers, _scene
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Rule, Scene
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds


def diagnose(gathered: Mapping[str, Gathered], redis_hosts: Mapping[str, str], thresholds: Thresholds) -> Diagnosis:
    """Ask every rule about every host. ``redis_hosts``: host -> inventory name of its Redis, as a person gave it."""
    facts = {host: seen.facts for host, seen in gathered.items() if seen.facts is not None}
    fleet = _peers.fleet(facts, [host for host in gathered if host not in facts])
    rules = _rules.discover()
    hosts: dict[str, HostDiagnosis] = {}
    for host, seen in gathered.items():
        if seen.facts is None:
            reason = "; ".join(error["reason"] for error in seen.errors)
            hosts[host] = _host(seen, [], [{"id": rule.ID, "reason": reason} for rule in rules])
        else:
            peer_of, place_of = _peers.lookup(fleet, host, redis_hosts.get(host)), _peers.places(fleet, host)
            scene = Scene(host, seen.facts, peer_of, thresholds, facts, place_of)
            hosts[host] = _host(seen, *_ask(rules, scene))
    found = {host: hosts[host]["findings"] for host in facts}
    dark = [host for host in gathered if host not in facts]
    together = _fleet_rules.FleetScene(facts, found, dark, thresholds)
    return {"schema_version": SCHEMA_VERSION, "hosts": hosts, "fleet": {"findings": _compare(together)}}


def _compare(scene: _fleet_rules.FleetScene) -> list[Finding]:
    found = [finding for rule in _fleet_rules.discover() for finding in rule.evaluate(scene)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding["severity"]))


def _ask(rules: Iterable[Rule], scene: Scene) -> tuple[list[Finding], list[Unknown]]:
    findings: list[Finding] = []
    unknown: list[Unknown] = []
    for rule in rules:
        outcome = rule.evaluate(scene)
        findings += outcome.findings
        unknown += [{"id": rule.ID, "reason": reason} for reason in outcome.unknowns]
    return sorted(findings, key=_urgency), unknown


def _host(seen: Gathered, findings: list[Finding], unknown: list[Unknown]) -> HostDiagnosis:
    verdict: HostVerdict = "healthy"
    if findings:
        verdict = "findings"
    elif unknown:
        verdict = "unknown"
    return {
        "verdict": verdict,
        "gathered_at": seen.at,
        "boot_id": seen.boot_id,
        "findings": findings,
        "unknown": unknown,
        "errors": seen.errors + _errors(seen.facts or {}),
    }


def _errors(facts: HostFacts) -> list[SourceError]:
    return [
        {"source": f"{name}: {error['source']}", "reason": error["reason"]}
        for name in HostFacts.__annotations__
        for error in _scene.errors(facts, name)
    ]


def _urgency(finding: Finding) -> tuple[int, str, int, str]:
    pid = finding["process"]["pid"] if finding["process"] else 0
    return SEVERITIES.index(finding["severity"]), finding["id"], pid, finding["subject"] or ""
