# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same thing is wrong on several hosts for the same reason: one finding with all of them.

The same reason is a setting of the same server, or, where no peer is part of it, the same program.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    SEVERITIES,
    Cause,
    Confidence,
    Finding,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._fleet_rules._fleet import FleetScene

ID = "common_cause"

HOSTS_SHOWN = 20
NAMED = 5
CONFIDENCES: tuple[Confidence, ...] = ("proven", "likely", "suspected")


def evaluate(scene: FleetScene) -> list[Finding]:
    """One finding per kind and reason that is on several hosts, most hosts first."""
    groups: dict[Hashable, list[Finding]] = {}
    for findings in scene.findings.values():
        for found in findings:
            reason = _reason(found)
            if reason is not None:
                groups.setdefault((found["id"], *reason), []).append(found)
    shared = [group for group in groups.values() if len(_hosts(group)) >= scene.thresholds.fleet_common_hosts]
    return [
        _finding(group, scene) for group in sorted(shared, key=lambda group: (-len(_hosts(group)), _subject(group)))
    ]


def _reason(found: Finding) -> tuple[Hashable, ...] | None:
    """None where nothing says that two of them have anything to do with each other."""
    cause, process = found["cause"], found["process"]
    if cause["status"] in ("unknown", "refuted"):
        return None
    peer = cause["peer"]
    if peer is not None and not peer["address"].startswith("127.") and peer["address"] != "::1":
        return ("peer", peer["address"], peer["port"], cause["setting"])
    name = process["name"] if process else found["subject"]
    return ("program", name, cause["service"], cause["setting"])


def _hosts(group: list[Finding]) -> list[str]:
    return sorted({found["host"] for found in group})


def _subject(group: list[Finding]) -> str:
    return f"{group[0]['id']}, {_through(group[0])}"


def _through(found: Finding) -> str:
    cause = found["cause"]
    reason = _reason(found)
    if reason and reason[0] == "peer" and cause["peer"]:
        where = f"{cause['peer']['address']}:{cause['peer']['port']}"
        return f"{cause['setting']} of {cause['service']} {where}" if cause["setting"] else f"peer {where}"
    process = found["process"]
    return f"program {process['name']}" if process else str(found["subject"])


def _finding(group: list[Finding], scene: FleetScene) -> Finding:
    hosts, first = _hosts(group), min(group, key=lambda found: CONFIDENCES.index(found["confidence"]))
    cause: Cause = first["cause"]
    return {
        "id": ID,
        "host": hosts[0],
        "severity": min((found["severity"] for found in group), key=SEVERITIES.index),
        "confidence": max((found["confidence"] for found in group), key=CONFIDENCES.index),
        "title": f"{first['id']} on {len(hosts)} hosts, {_through(first)}",
        "process": None,
        "subject": _subject(group),
        "evidence": _evidence(group, hosts, scene),
        "cause": cause,
        "remedy": [],
        "unknowns": [f"{len(scene.dark)} hosts gave no facts, and may have it too"] if scene.dark else [],
    }


def _evidence(group: list[Finding], hosts: list[str], scene: FleetScene) -> dict[str, Any]:
    more = f" and {len(hosts) - NAMED} more" if len(hosts) > NAMED else ""
    return {
        "finding": group[0]["id"],
        "findings_total": len(group),
        "hosts": [{"host": host} for host in hosts[:HOSTS_SHOWN]],
        "hosts_total": len(hosts),
        "hosts_compared": len(scene.facts),
        "told": [f"{', '.join(hosts[:NAMED])}{more}", f"{len(group)} findings of {len(scene.facts)} hosts"],
    }
