# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few hosts have many times more half-closed connections than the others."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._fleet_rules import _outliers, _top_peers
from ansible_collections.closewait.remediation.plugins.plugin_utils._fleet_rules._fleet import FleetScene
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import half_closed_leak, half_closed_spin

ID = "close_wait_outliers"

#: What makes half-closed connections pile up on a host, or shows that they do harm there.
EXPLAINED_BY = frozenset((half_closed_leak.ID, half_closed_spin.ID, "blocked_accept_loop"))


def evaluate(scene: FleetScene) -> list[Finding]:
    """At most one, for all these hosts."""
    metric = _outliers.Metric("half-closed connections", "in CLOSE_WAIT", _total, scene.thresholds.fleet_close_wait)
    seen = _outliers.find(scene, metric)
    if seen is None:
        return []
    found = _outliers.finding(scene, ID, metric, seen, EXPLAINED_BY)
    found["evidence"]["top_peers"] = _top_peers.total(_peers(scene, seen))
    return [found]


def _total(facts: HostFacts) -> float | None:
    tcp = facts.get("tcp")
    return tcp["close_wait"]["total"] if tcp and tcp["close_wait"] else None


def _peers(scene: FleetScene, seen: _outliers.Outliers) -> Iterator[_top_peers.Row]:
    for host, _value in seen.hosts:
        tcp = scene.facts[host].get("tcp")
        close_wait = tcp["close_wait"] if tcp else None
        for row in close_wait.get("by_peer", []) if close_wait else []:
            yield host, row["address"], row["port"], row["total"]
