# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that stand out from the others by one number.

The yardstick is the median host, which a few outliers cannot move, and the median distance from it (MAD), which tells
how different healthy hosts are among themselves: a fleet of unlike hosts has no outliers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Cause, Finding, Severity
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._fleet_rules._fleet import FleetScene
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _remedies
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

#: The number of one host; None where it could not be read.
Measure = Callable[[HostFacts], float | None]
#: MAD of a normal distribution times this is its standard deviation.
SIGMA = 1.4826
#: Standard deviations from the median that no like host strays.
FAR = 5.0

ADVICE = "compare what runs there, and in which version, with the others"
HOSTS_SHOWN = 20
NAMED = 5


class Metric(NamedTuple):
    """What is compared. ``floor``: below it nobody stands out, however small the others are."""

    name: str
    unit: str
    measure: Measure
    floor: float


class Outliers(NamedTuple):
    """``hosts`` largest first, of ``compared`` hosts whose median is ``typical``; ``unread`` could not be compared."""

    hosts: list[tuple[str, float]]
    typical: float
    compared: int
    unread: list[str]


def find(scene: FleetScene, metric: Metric) -> Outliers | None:
    """None where there is nothing to compare, or where so many stand out that it is the fleet that is like this."""
    values = {host: metric.measure(facts) for host, facts in scene.facts.items()}
    known = {host: value for host, value in values.items() if value is not None}
    if len(known) < scene.thresholds.fleet_hosts:
        return None
    typical = median(known.values())
    border = _border(known, typical, metric, scene.thresholds)
    hosts = sorted(((h, v) for h, v in known.items() if v >= border), key=lambda item: (-item[1], item[0]))
    if not hosts or len(hosts) > scene.thresholds.fleet_share * len(known):
        return None
    unread = sorted([*scene.dark, *(host for host, value in values.items() if value is None)])
    return Outliers(hosts, typical, len(known), unread)


def _border(known: Mapping[str, float], typical: float, metric: Metric, thresholds: Thresholds) -> float:
    spread = SIGMA * median(abs(value - typical) for value in known.values())
    return max(metric.floor, typical * thresholds.fleet_factor, typical + FAR * spread)


def finding(scene: FleetScene, rule_id: str, metric: Metric, seen: Outliers, explained_by: frozenset[str]) -> Finding:
    """One finding for all of them; ``explained_by``: ids of findings of single hosts that say what is wrong there."""
    explained = {
        host for host, _value in seen.hosts if any(f["id"] in explained_by for f in scene.findings.get(host, []))
    }
    return {
        "id": rule_id,
        "host": seen.hosts[0][0],
        "severity": _severity(explained, scene, explained_by),
        "confidence": "likely" if explained else "suspected",
        "title": f"{len(seen.hosts)} of {seen.compared} hosts stand out by {metric.name}: "
        f"{seen.hosts[0][1]:,.0f} {metric.unit}, where half of all have {seen.typical:,.0f} or fewer",
        "process": None,
        "subject": f"hosts with many {metric.name}",
        "evidence": _evidence(metric, seen, explained),
        "cause": _cause(metric, explained, seen),
        "remedy": []
        if explained
        else [_remedies.advice("compare what runs there, and in which version, with the others")],
        "unknowns": _gaps(seen),
    }


def _evidence(metric: Metric, seen: Outliers, explained: set[str]) -> dict[str, Any]:
    named = ", ".join(f"{host} {value:,.0f}" for host, value in seen.hosts[:NAMED])
    more = f" and {len(seen.hosts) - NAMED} more" if len(seen.hosts) > NAMED else ""
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "hosts": [
            {"host": host, "value": round(value, 1), "explained": host in explained}
            for host, value in seen.hosts[:HOSTS_SHOWN]
        ],
        "hosts_total": len(seen.hosts),
        "hosts_compared": seen.compared,
        "typical": round(seen.typical, 1),
        "told": [f"{named}{more}", f"the median of {seen.compared} hosts is {seen.typical:,.0f} {metric.unit}"],
    }


def _severity(explained: set[str], scene: FleetScene, explained_by: frozenset[str]) -> Severity:
    """As severe as what is found on these hosts."""
    order: tuple[Severity, ...] = ("critical", "high", "medium", "low")
    found = [f["severity"] for host in explained for f in scene.findings[host] if f["id"] in explained_by]
    return min(found, key=order.index) if found else "low"


def _cause(metric: Metric, explained: set[str], seen: Outliers) -> Cause:
    summary = f"nothing on these hosts explains it: {metric.name} can also be what their work needs"
    if explained:
        summary = f"{len(explained)} of the {len(seen.hosts)} have a finding of their own that says why"
    return {
        "status": "likely" if explained else "unknown",
        "summary": summary,
        "peer": None,
        "service": None,
        "setting": None,
        "value": None,
    }


def _gaps(seen: Outliers) -> list[str]:
    if not seen.unread:
        return []
    more = f" and {len(seen.unread) - NAMED} more" if len(seen.unread) > NAMED else ""
    return [f"could not be compared: {', '.join(seen.unread[:NAMED])}{more}"]
