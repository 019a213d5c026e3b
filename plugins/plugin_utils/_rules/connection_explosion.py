# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many processes hold many connections to each of many remotes, to the idle ones as many as to the busy ones.

A pool that is shared has as many connections to a remote as are in use there at once. Where every thread, greenlet or
coroutine has a pool of its own, each of them comes to hold a connection to every remote, however seldom it is used. The
kernel shows the numbers and how idle the connections are, not who made the pools: so it is *suspected*, never more.
"""

from __future__ import annotations

from statistics import median_low
from typing import Any, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Cause, Finding, Severity
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import (
    CrowdedProcess,
    CrowdedRemote,
    Established,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _remedies
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import (
    Connection,
    Outcome,
    Scene,
    incomplete,
    missing,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

ID = "connection_explosion"
SPINS = False

SHOWN = 10
#: Processes are alike when their medians differ from the middle one by no more than this factor.
ALIKE = 1.5
#: Connections of which this share waits for an answer are in use.
IN_USE = 0.5


class Contrast(NamedTuple):
    """Remotes of many processes by how idle their connections are; the busiest ones are ``hot``."""

    hot: list[CrowdedRemote]
    cold: list[CrowdedRemote]


def evaluate(scene: Scene) -> Outcome:
    """One finding per program with such processes."""
    tcp = scene.facts.get("tcp")
    established = tcp.get("established") if tcp else None
    if established is None:
        return Outcome([], missing(scene, "tcp", "established"))
    unknowns = incomplete(scene, "tcp")
    groups = _groups(established["by_process"], scene.thresholds)
    if not groups:
        return Outcome([], unknowns + _unseen(established, scene.thresholds))
    outcomes = [_judged(scene, established, group) for group in groups]
    return Outcome(
        [finding for outcome in outcomes for finding in outcome.findings],
        unknowns + [reason for outcome in outcomes for reason in outcome.unknowns],
    )


def _judged(scene: Scene, established: Established, group: list[CrowdedProcess]) -> Outcome:
    remotes = [row for row in established["by_remote"] if row["name"] == group[0]["name"]]
    contrast = _contrast(remotes, scene.thresholds)
    if contrast is None:
        return Outcome([], [])
    if not contrast.cold:
        return Outcome([], _undecided(group, contrast))
    if not _even(contrast, scene.thresholds):
        return Outcome([], [])
    return Outcome([_finding(scene, established, group, contrast)], [])


def _groups(rows: list[CrowdedProcess], thresholds: Thresholds) -> list[list[CrowdedProcess]]:
    """Processes of one name that are alike, where there are enough of them."""
    by_name: dict[str, list[CrowdedProcess]] = {}
    for row in rows:
        if row["p50"] >= thresholds.explosion_per_remote and row["remotes"] >= thresholds.explosion_remotes:
            by_name.setdefault(row["name"], []).append(row)
    groups = [_alike(group) for _name, group in sorted(by_name.items())]
    return [group for group in groups if len(group) >= thresholds.explosion_processes]


def _alike(rows: list[CrowdedProcess]) -> list[CrowdedProcess]:
    middle = median_low(row["p50"] for row in rows)
    return [row for row in rows if middle / ALIKE <= row["p50"] <= middle * ALIKE]


def _contrast(rows: list[CrowdedRemote], thresholds: Thresholds) -> Contrast | None:
    """None where nothing is busy: connections left by a burst are quiet, and the server will end them."""
    judged = [
        (row["idle_p50_s"], row)
        for row in rows
        if row["idle_p50_s"] is not None and row["processes"] >= thresholds.explosion_processes
    ]
    if not judged:
        return None
    hottest = min(idle for idle, _row in judged)
    if hottest > thresholds.explosion_hot_s:
        return None
    border = max(thresholds.explosion_cold_s, hottest * thresholds.explosion_cold_ratio)
    return Contrast([row for idle, row in judged if idle < border], [row for idle, row in judged if idle >= border])


def _even(contrast: Contrast, thresholds: Thresholds) -> bool:
    return _level(contrast.cold) >= thresholds.explosion_even_share * _level(contrast.hot)


def _level(rows: list[CrowdedRemote]) -> int:
    """Connections of one process to one of these remotes."""
    return median_low(row["p50"] for row in rows)


def _undecided(group: list[CrowdedProcess], contrast: Contrast) -> list[str]:
    """All remotes are equally busy, so idle ones cannot give it away; connections in use are no question, though."""
    sampled = sum(row["sampled"] for row in contrast.hot)
    if sum(row["waiting"] for row in contrast.hot) >= IN_USE * sampled:
        return []
    each, remotes = median_low(row["p50"] for row in group), len(contrast.hot)
    holding = f"{len(group)} processes {group[0]['name']} hold {each} connections to each of {remotes} remotes"
    return [f"{holding} that are all equally busy: whether they share a pool cannot be told"]


def _unseen(established: Established, thresholds: Thresholds) -> list[str]:
    """Too many connections without a holder for nothing to be hidden in them."""
    enough = thresholds.explosion_per_remote * thresholds.explosion_remotes * thresholds.explosion_processes
    if established["unowned"] < enough:
        return []
    return [f"the holders of {established['unowned']} connections were not found"]


def _finding(scene: Scene, established: Established, group: list[CrowdedProcess], contrast: Contrast) -> Finding:
    name, many = group[0]["name"], "more than " if established["by_process_omitted"] else ""
    remotes = len(contrast.hot) + len(contrast.cold)
    each = median_low(row["p50"] for row in group)
    evidence = _evidence(group, contrast, established)
    return {
        "id": ID,
        "host": scene.host,
        "severity": _severity(evidence, scene.thresholds),
        "confidence": "suspected",
        "title": f"{many}{len(group)} processes {name} hold {each} connections each to every one of {remotes} remotes",
        "process": None,
        "subject": f"connections of {name}",
        "evidence": evidence,
        "cause": _cause(scene, contrast),
        "remedy": [
            _remedies.advice(
                "confirm in the code, then share one pool (one session or client object) among all threads, greenlets "
                "or coroutines of a process, and bound it: with requests, one Session with pool_maxsize and pool_block"
            ),
            _remedies.advice("there is nothing to close by hand: what is closed is opened again by the same code"),
        ],
        "unknowns": _gaps(established),
    }


def _evidence(group: list[CrowdedProcess], contrast: Contrast, established: Established) -> dict[str, Any]:
    rows = sorted(contrast.hot + contrast.cold, key=lambda row: (-row["total"], row["address"], row["port"]))
    tightest = max(rows, key=_port_share)
    fds = [(row["fds"] / row["fd_limit"], row["fd_limit"]) for row in group if row["fd_limit"]]
    return {
        "processes": len(group),
        "pids": [row["pid"] for row in group[:SHOWN]],
        "connections": sum(row["total"] for row in group),
        "host_connections": established["opened"],
        "per_remote_p50": median_low(row["p50"] for row in group),
        "per_remote_max": max(row["max"] for row in group),
        "hot": _side(contrast.hot),
        "cold": _side(contrast.cold),
        "remotes_listed": [_remote(row) for row in rows[:SHOWN]],
        "ports_used": tightest["ports_used"],
        "ports": tightest["ports"],
        "ports_share": round(_port_share(tightest), 4),
        "fd_limit": max(fds)[1] if fds else None,
        "fd_limit_share": round(max(fds)[0], 4) if fds else None,
        "told": [
            f"{sum(row['total'] for row in group)} connections of {len(group)} processes",
            f"per process {_level(contrast.hot)} to a busy remote, {_level(contrast.cold)} to an idle one",
            f"{_port_share(tightest):.1%} of {tightest['ports']} ports towards one remote",
        ],
    }


def _port_share(row: CrowdedRemote) -> float:
    """Of the ports between one source address and this remote: each pair has the whole range to itself."""
    return row["ports_used"] / row["ports"] if row["ports"] else 1.0


def _side(rows: list[CrowdedRemote]) -> dict[str, Any]:
    idle = [row["idle_p50_s"] for row in rows if row["idle_p50_s"] is not None]
    return {"remotes": len(rows), "per_process_p50": _level(rows), "idle_p50_s": median_low(idle)}


def _remote(row: CrowdedRemote) -> dict[str, Any]:
    return {
        "peer": f"{row['address']}:{row['port']}",
        "total": row["total"],
        "processes": row["processes"],
        "per_process_p50": row["p50"],
        "idle_p50_s": row["idle_p50_s"],
    }


def _severity(evidence: dict[str, Any], thresholds: Thresholds) -> Severity:
    """By what runs out first: ports towards one remote, or open files of one process."""
    share = max(evidence["ports_share"], evidence["fd_limit_share"] or 0.0)
    if share >= thresholds.explosion_critical_share:
        return "critical"
    return "high" if share >= thresholds.explosion_high_share else "medium"


def _cause(scene: Scene, contrast: Contrast) -> Cause:
    largest = max(contrast.hot + contrast.cold, key=lambda row: row["total"])
    remote: Endpoint = {"address": largest["address"], "port": largest["port"]}
    peer = scene.peer_of(Connection(largest["netns"], None, remote))
    hot, cold = _side(contrast.hot), _side(contrast.cold)
    return {
        "status": "likely",
        "summary": (
            "it looks as if every thread, greenlet or coroutine had a pool of its own: a process has "
            f"{cold['per_process_p50']} connections to a remote it hardly uses (idle for {cold['idle_p50_s']:.1f} s) "
            f"and {hot['per_process_p50']} to one it uses all the time (idle for {hot['idle_p50_s']:.1f} s)"
        ),
        "peer": {"address": peer.address, "port": peer.port, "host": peer.host},
        "service": None,
        "setting": None,
        "value": None,
    }


def _gaps(established: Established) -> list[str]:
    gaps = ["who made the pools cannot be seen from outside: connections that do not follow use are what is seen"]
    if established["by_process_omitted"]:
        gaps.append(f"{established['by_process_omitted']} more processes with many connections are not listed")
    if established["by_remote_omitted"]:
        gaps.append(f"{established['by_remote_omitted']} more remotes with many connections are not listed")
    return gaps
