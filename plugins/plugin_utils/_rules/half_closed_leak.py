# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program keeps collecting connections that its peers have closed, and never closes them itself.

One look cannot show growth, but it shows its trace: FIN ages spread from young to old. A connection pool that idled
out once is a cluster of one age, and a few idle pool entries are how such a pool normally looks; neither is a finding.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    Cause,
    Confidence,
    Finding,
    Remedy,
    Severity,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import (
    CloseWait,
    HalfClosedProcess,
    Socket,
    TcpFacts,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _cause, _processes, _remedies
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import (
    Outcome,
    Scene,
    incomplete,
    missing,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

ID = "half_closed_leak"
SPINS = False

#: Sockets that were closed by the peer within this many seconds show that the leak is still going on.
RECENT_S = 600


def evaluate(scene: Scene) -> Outcome:
    """One finding per process that leaks."""
    gaps = missing(scene, "tcp", "close_wait")
    tcp = scene.facts.get("tcp")
    if tcp is None or tcp["close_wait"] is None:
        return Outcome([], gaps)
    close_wait, thresholds = tcp["close_wait"], scene.thresholds
    rows = [row for row in close_wait["by_process"] if _leaks(row, thresholds)]
    unknowns = incomplete(scene, "tcp") + _unseen(tcp, close_wait, thresholds)
    return Outcome([_finding(scene, close_wait, row) for row in rows], unknowns)


def _leaks(row: HalfClosedProcess, thresholds: Thresholds) -> bool:
    return (
        row["total"] >= thresholds.leak_total
        and row["oldest_s"] >= thresholds.leak_oldest_s
        and len(_filled(row)) >= thresholds.leak_age_classes
    )


def _filled(row: HalfClosedProcess) -> list[int]:
    """Positions of the age classes with sockets in them, youngest first."""
    ends = sorted(row["ages"], key=float)
    return [position for position, end in enumerate(ends) if row["ages"][end]]


def _unseen(tcp: TcpFacts, close_wait: CloseWait, thresholds: Thresholds) -> list[str]:
    """Why a leak may have been missed."""
    unknowns = []
    unreadable = tcp.get("unreadable")
    if close_wait["unowned"] >= thresholds.leak_total:
        blind = f"; {unreadable['total']} processes could not be looked into" if unreadable else ""
        unknowns.append(f"{close_wait['unowned']} half-closed sockets have an owner that was not found{blind}")
    omitted = close_wait["by_process_omitted"]
    if omitted and all(row["total"] >= thresholds.leak_total for row in close_wait["by_process"] if not row["watched"]):
        unknowns.append(f"{omitted} processes with half-closed sockets were cut off the list")
    return unknowns


def _finding(scene: Scene, close_wait: CloseWait, row: HalfClosedProcess) -> Finding:
    sockets = [socket for socket in close_wait["sockets"] if socket["inode"] and _holds(row, socket)]
    process = _processes.measured(scene, row["pid"], row["start_time"])
    share = row["total"] / row["fd_limit"] if row["fd_limit"] else None
    severity = _severity(share, scene.thresholds)
    explanation = _cause.of_sockets(scene, sockets)[0]
    return {
        "id": ID,
        "host": scene.host,
        "severity": severity,
        "confidence": _confidence(row),
        "title": f"{row['name']} ({row['pid']}) holds {row['total']} half-closed connections of all ages",
        "process": _remedies.affected(process) if process else _processes.named(row),
        "subject": None,
        "evidence": {**_numbers(close_wait, row, sockets, share), **explanation.evidence},
        "cause": _context(explanation.cause),
        "remedy": _remedy(scene, row, process, severity),
        "unknowns": _gaps(row, sockets),
    }


def _confidence(row: HalfClosedProcess) -> Confidence:
    """Likely when every age class is filled from a recent one to the oldest: they keep arriving."""
    filled = _filled(row)
    unbroken = filled == list(range(filled[0], filled[-1] + 1))
    return "likely" if unbroken and row["youngest_s"] < RECENT_S else "suspected"


def _severity(share: float | None, thresholds: Thresholds) -> Severity:
    if share is None:
        return "medium"
    if share >= thresholds.leak_critical_share:
        return "critical"
    if share >= thresholds.leak_high_share:
        return "high"
    return "medium" if share >= thresholds.leak_medium_share else "low"


def _numbers(
    close_wait: CloseWait, row: HalfClosedProcess, sockets: list[Socket], share: float | None
) -> dict[str, Any]:
    peers: dict[str, int] = {}
    for socket in sockets:
        peer = f"{socket['remote']['address']}:{socket['remote']['port']}"
        peers[peer] = peers.get(peer, 0) + 1
    return {
        "close_wait_total": row["total"],
        "close_wait_watched": row["watched"],
        "oldest_s": row["oldest_s"],
        "youngest_s": row["youngest_s"],
        "ages": row["ages"],
        "fd_limit": row["fd_limit"],
        "fd_limit_share": None if share is None else round(share, 4),
        "sockets_listed": len(sockets),
        "peers_listed": dict(sorted(peers.items(), key=lambda item: (-item[1], item[0]))[:10]),
        # No program has these: nothing can close them from outside, and they are not part of the total.
        "host_unaccepted": close_wait["unaccepted"],
    }


def _context(best: Cause) -> Cause:
    """Who closes them; that the program does not answer by closing is its own fault, whatever the peer does."""
    return {**best, "summary": f"the program does not close what its peer has closed; {best['summary']}"}


def _remedy(scene: Scene, row: HalfClosedProcess, process: Process | None, severity: Severity) -> list[Remedy]:
    remedies = [
        _remedies.advice(
            "close a connection when reading gives end-of-file, give every response and pool back, "
            "and let the client drop idle connections before the server does"
        )
    ]
    if severity in ("critical", "high"):
        why = f"{row['total']} of {row['fd_limit']} possible fds are taken; restarting frees them until it leaks again"
        remedies.append(_remedies.restart_of(scene.host, row, process["supervisor"] if process else None, why))
    return remedies


def _gaps(row: HalfClosedProcess, sockets: list[Socket]) -> list[str]:
    gaps = ["that the number grows was concluded from the ages, not seen: look again later"]
    if row["fd_limit"] is None:
        gaps.append("the fd limit of the process could not be read, so how near it is cannot be told")
    if len(sockets) < row["total"]:
        gaps.append(f"peers and idle times are those of the {len(sockets)} listed of {row['total']} sockets")
    return gaps


def _holds(row: HalfClosedProcess, socket: Socket) -> bool:
    return any(
        holder["pid"] == row["pid"] and holder["start_time"] == row["start_time"] for holder in socket["holders"]
    )
