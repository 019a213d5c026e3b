# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On a few hosts the busiest processes use many times more CPU than on the others."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.plugin_utils import _rules
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._fleet_rules import _outliers
from ansible_collections.closewait.remediation.plugins.plugin_utils._fleet_rules._fleet import FleetScene

ID = "cpu_outliers"


def evaluate(scene: FleetScene) -> list[Finding]:
    """At most one, for all these hosts."""
    metric = _outliers.Metric("CPU use", "% of one CPU", _used, scene.thresholds.fleet_cpu_percent)
    seen = _outliers.find(scene, metric)
    explained_by = frozenset(rule.ID for rule in _rules.discover() if rule.SPINS)
    return [_outliers.finding(scene, ID, metric, seen, explained_by)] if seen else []


def _used(facts: HostFacts) -> float | None:
    """Of all processes that are listed: those that use little are not, and add little."""
    cpu = facts.get("cpu")
    if cpu is None or cpu["processes"] is None:
        return None
    return sum(process["cpu_percent"] for process in cpu["processes"])
