# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of an upstream is slow or fails while its siblings do well: each n-th request is slow, as if at random."""

from __future__ import annotations

from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Cause, Finding, Remedy
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.nginx import (
    NginxFacts,
    NginxInstance,
    NginxUpstream,
    UpstreamServer,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _backend, _outliers, _remedies
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._outliers import Outlier
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import (
    Outcome,
    Scene,
    incomplete,
    missing,
)

ID = "sick_upstream"
SPINS = False
SIBLINGS_SHOWN = 5
COMES_BACK = (
    "when it is well again, return it with the playbook rollback (closewait_rollback_role=nginx_upstream) or with the "
    "role nginx_upstream and state: up"
)


def evaluate(scene: Scene) -> Outcome:
    """One finding per sick server."""
    gaps = missing(scene, "nginx", "instances")
    nginx = scene.facts.get("nginx")
    if nginx is None or nginx["instances"] is None:
        return Outcome([], gaps)
    findings: list[Finding] = []
    unknowns = incomplete(scene, "nginx") + _omitted(nginx)
    for instance in nginx["instances"]:
        unknowns += _unread(instance, scene)
        for upstream in instance["upstreams"] or []:
            outliers = _outliers.outliers(upstream, scene.thresholds)
            findings += [_finding(scene, instance, upstream, outlier) for outlier in outliers]
            unknowns += _doubts(scene, nginx, upstream, sick=bool(outliers))
    return Outcome(findings, unknowns)


def _omitted(nginx: NginxFacts) -> list[str]:
    return [f"{nginx['omitted']} more nginx run here and were not looked at"] if nginx["omitted"] else []


def _unread(instance: NginxInstance, scene: Scene) -> list[str]:
    if instance["error"] is not None:
        return [f"nginx (process {instance['pid']}): {instance['error']}"]
    listed = [upstream["attempts"] for upstream in instance["upstreams"] or []]
    # Those that were cut off have no more attempts than these.
    if instance["upstreams_omitted"] and min(listed, default=0) >= scene.thresholds.upstream_attempts:
        return [f"nginx (process {instance['pid']}): {instance['upstreams_omitted']} upstreams were cut off the list"]
    return []


def _doubts(scene: Scene, nginx: NginxFacts, upstream: NginxUpstream, *, sick: bool) -> list[str]:
    """Why it is not known that none of its servers is sick."""
    if sick or len([server for server in upstream["servers"] if server["state"] != "down"]) < 2:
        return []
    name = f"upstream {upstream['name']}"
    if upstream["unseen"] is not None:
        return [f"{name}: {upstream['unseen']}"]
    if upstream["servers_omitted"]:
        return [f"{name}: {upstream['servers_omitted']} servers were cut off the list"]
    untold = _outliers.untold(upstream, scene.thresholds) if upstream["name"] in nginx.get("asked", []) else None
    return [f"{name}: {untold}"] if untold else []


def _finding(scene: Scene, instance: NginxInstance, upstream: NginxUpstream, outlier: Outlier) -> Finding:
    server = outlier.server
    backend = _backend.behind(scene, str(server["address"]), instance["netns"])
    how = f"slow, p95 {server['p95_s']:.3g} s" if outlier.slow_share is not None else "failing"
    return {
        "id": ID,
        "host": scene.host,
        "severity": "high",
        "confidence": "proven" if backend.spins else "likely",
        "title": f"server {server['address']} of upstream {upstream['name']} is {how}, the others are well",
        "process": None,
        "subject": f"upstream {upstream['name']}: server {server['address']}",
        "evidence": _numbers(instance, upstream, outlier, backend),
        "cause": _cause(backend),
        "remedy": _remedy(scene, instance, upstream, server),
        "unknowns": _unseen(instance, upstream, backend),
    }


def _numbers(
    instance: NginxInstance, upstream: NginxUpstream, outlier: Outlier, backend: _backend.Backend
) -> dict[str, Any]:
    siblings = sorted(outlier.siblings, key=lambda sibling: str(sibling["address"]))
    return {
        "upstream": upstream["name"],
        "server": outlier.server,
        "siblings": siblings[:SIBLINGS_SHOWN],
        "siblings_omitted": max(0, len(siblings) - SIBLINGS_SHOWN),
        "siblings_p50_s": outlier.siblings_p50_s,
        "slow_from_s": outlier.limit_s,
        "share_of_slow": _rounded(outlier.slow_share),
        "share_of_failed": _rounded(outlier.failed_share),
        "attempts_per_request": upstream["attempts_per_request"],
        "timeouts": upstream["timeouts"],
        "config_file": instance["config_file"],
        "backend_host": backend.host,
        "backend_pid": backend.pid,
        "told": [*_told(outlier), *(_row(sibling) for sibling in siblings[:SIBLINGS_SHOWN]), backend.said],
    }


def _told(outlier: Outlier) -> list[str]:
    """Its own row first, then what sets it apart."""
    lines = [_row(outlier.server)]
    if outlier.slow_share is not None:
        lines.append(f"it has {outlier.slow_share:.0%} of the attempts of {outlier.limit_s:.3g} s and more")
    if outlier.failed_share is not None:
        lines.append(f"it has {outlier.failed_share:.0%} of the failed attempts")
    return lines


def _row(server: UpstreamServer) -> str:
    times = "no times" if server["p50_s"] is None else f"p50 {server['p50_s']:.3g} s, p95 {server['p95_s']:.3g} s"
    failed = f", {server['failed']} failed" if server["failed"] else ""
    unconnected = f", {server['never_connected']} never connected" if server["never_connected"] else ""
    return f"{server['address']}: {server['attempts']} attempts, {times}{failed}{unconnected}"


def _cause(backend: _backend.Backend) -> Cause:
    where = backend.endpoint
    return {
        "status": "unknown",
        "summary": f"nginx's log tells that it is sick, not why; {backend.said}",
        "peer": {"address": where["address"], "port": where["port"], "host": backend.host} if where else None,
        "service": None,
        "setting": None,
        "value": None,
    }


def _remedy(scene: Scene, instance: NginxInstance, upstream: NginxUpstream, server: UpstreamServer) -> list[Remedy]:
    line = server["server"]
    others = {one["server"] for one in upstream["servers"] if one["state"] == "up"} - {line}
    addresses = [one for one in upstream["servers"] if one["server"] == line]
    if not others:
        return [
            _remedies.advice("it is the only server that gets requests, so it cannot be taken out: add another first")
        ]
    if len(addresses) > 1:
        return [_remedies.advice(f"{line} stands for {len(addresses)} servers: write them one by one to take one out")]
    values = {
        "config_file": instance["config_file"],
        "prefix": instance["prefix"],
        "program": instance["program"],
        "upstreams": [{"name": upstream["name"], "servers": [{"address": line, "state": "down"}]}],
    }
    return [
        {
            "action": "nginx_upstream",
            "where": scene.host,
            "risk": "live",
            "vars": {name: value for name, value in values.items() if value is not None},
            "why": f"without it {len(others)} of its siblings answer everything; {COMES_BACK}",
        }
    ]


def _unseen(instance: NginxInstance, upstream: NginxUpstream, backend: _backend.Backend) -> list[str]:
    gaps = [f"{log['path']}: {log['cut']}" for log in instance["logs"] if log["cut"]]
    if instance["changed_since_load"]:
        gaps.append("the configuration was changed since nginx loaded it, so what is written may not count yet")
    if backend.pid is None:
        gaps.append(backend.said)
    if upstream["unseen"]:
        gaps.append(upstream["unseen"])
    return [*gaps, "whether the others can carry its share is told by the role nginx_upstream when it takes it out"]


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 3)
