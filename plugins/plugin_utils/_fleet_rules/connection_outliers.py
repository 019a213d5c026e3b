# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few hosts have opened many times more connections than the others: what tells an explosion from a busy service."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._fleet_rules import _outliers, _top_peers
from ansible_collections.closewait.remediation.plugins.plugin_utils._fleet_rules._fleet import FleetScene
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import connection_explosion

ID = "connection_outliers"


def evaluate(scene: FleetScene) -> list[Finding]:
    """At most one, for all these hosts."""
    floor = scene.thresholds.fleet_connections
    metric = _outliers.Metric("connections opened", "connections", _opened, floor)
    seen = _outliers.find(scene, metric)
    if seen is None:
        return []
    found = _outliers.finding(scene, ID, metric, seen, frozenset((connection_explosion.ID,)))
    found["evidence"]["top_peers"] = _top_peers.total(_peers(scene, seen))
    return [found]


def _opened(facts: HostFacts) -> float | None:
    tcp = facts.get("tcp")
    established = tcp.get("established") if tcp else None
    return established["opened"] if established else None


def _peers(scene: FleetScene, seen: _outliers.Outliers) -> Iterator[_top_peers.Row]:
    for host, _value in seen.hosts:
        tcp = scene.facts[host].get("tcp")
        established = tcp.get("established") if tcp else None
        for row in established["by_remote"] if established else []:
            yield host, row["address"], row["port"], row["total"]
