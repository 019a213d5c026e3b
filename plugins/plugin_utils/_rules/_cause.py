# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the peer closed: how long the connection had been idle at the FIN, against the server's timeout.

Redis closes a client that has been idle for more than ``timeout`` seconds, within a second or two of that
(src/timeout.c, clientsCronHandleTimeout). Bounds of the idle time that lie inside that stretch prove it, bounds
outside refute it, bounds that only overlap leave it likely.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Cause, CauseStatus, Remedy
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Bounds, Socket, WatchedSocket
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _other_end
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Connection, Peer, Scene
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

Fit = Literal["inside", "overlaps", "outside"]


class Explanation(NamedTuple):
    """The cause and what removes it; no remedy where the cause is not known well enough to change a server."""

    cause: Cause
    remedy: list[Remedy]
    peer: Peer | None = None
    other_end: dict[str, Any] | None = None

    @property
    def evidence(self) -> dict[str, Any]:
        """What the other end shows, for the evidence of a finding; empty where the connection is not known."""
        if self.other_end is None:
            return {}
        return {"other_end": self.other_end, "told": [_other_end.told(self.other_end)]}

    @property
    def server(self) -> Peer | None:
        """The looked-at Redis at the other end that closes no connection once the remedies are done; None: not so."""
        if self.peer is None or self.peer.redis is None or self.peer.host is None:
            return None
        return self.peer if self.remedy or self.peer.redis["timeout"] == 0 else None


def unknown(summary: str) -> Explanation:
    """No cause, and why."""
    cause: Cause = {
        "status": "unknown",
        "summary": summary,
        "peer": None,
        "service": None,
        "setting": None,
        "value": None,
    }
    return Explanation(cause, [])


def of_watched(scene: Scene, watched: WatchedSocket | None, sockets: list[Socket]) -> Explanation:
    """The cause for a watched socket; ``sockets``: the half-closed ones towards the same peer."""
    remote = watched.get("remote") if watched else None
    if watched is None or remote is None:
        return unknown("where the connection led is not known: the kernel lists its socket no longer")
    return of_connection(scene, Connection(watched.get("netns"), watched.get("local"), remote), sockets)


def of_sockets(scene: Scene, sockets: list[Socket]) -> list[Explanation]:
    """One per peer, the best known cause first; never empty."""
    by_peer: dict[tuple[str, int, int], list[Socket]] = {}
    for socket in sockets:
        remote = socket["remote"]
        by_peer.setdefault((remote["address"], remote["port"], socket["netns"]), []).append(socket)
    explanations = [
        of_connection(scene, Connection(group[0]["netns"], group[0]["local"], group[0]["remote"]), group)
        for group in by_peer.values()
    ]
    return sorted(explanations, key=_rank) or [unknown("none of its half-closed sockets is listed")]


def of_connection(scene: Scene, connection: Connection, sockets: list[Socket]) -> Explanation:
    """Who closed, and whether its timeout explains it. ``sockets``: the half-closed ones towards that peer."""
    peer = scene.peer_of(connection)
    status, summary = _verdict(peer, [socket["idle_at_fin_s"] for socket in sockets], scene.thresholds)
    cause: Cause = {
        "status": status,
        "summary": summary,
        "peer": {"address": peer.address, "port": peer.port, "host": peer.host},
        "service": "redis" if peer.redis else None,
        "setting": "timeout" if peer.redis else None,
        "value": peer.redis["timeout"] if peer.redis else None,
    }
    return Explanation(cause, _remedy(peer, status), peer, _other_end.view(scene, connection))


def _verdict(peer: Peer, idle: list[Bounds], thresholds: Thresholds) -> tuple[CauseStatus, str]:
    if peer.redis is None:
        return "unknown", f"what closed the connection to {peer.address}:{peer.port} is not known: {peer.reason}"
    name = f"Redis {peer.address}:{peer.port}" + (f" on {peer.host}" if peer.host else "")
    timeout = peer.redis["timeout"]
    if timeout is None:
        return "unknown", f"the settings of {name} could not be read: {_unread(peer.redis['error'])}"
    if timeout == 0:
        fits = f"; idle at the FIN: {_idle_text(idle)}, which a timeout changed since would explain" if idle else ""
        return "unknown", f"{name} has timeout 0 now and closes no idle connection{fits}"
    status, reason = _compared(idle, timeout, thresholds)
    return status, f"{name} closes connections idle for {timeout} s; {reason}"


def _unread(error: str | None) -> str:
    needs_login = error is not None and error.startswith(("NOAUTH", "WRONGPASS", "NOPERM"))
    hint = " (closewait_redis_username and closewait_redis_password say whom to log in as)" if needs_login else ""
    return f"{error or 'no reason given'}{hint}"


def _compared(idle: list[Bounds], timeout: int, thresholds: Thresholds) -> tuple[CauseStatus, str]:
    fits = {fit(bounds, timeout, thresholds) for bounds in idle}
    if not fits:
        return "likely", "how long this one had been idle is not known"
    measured = f"idle at the FIN: {_idle_text(idle)}"
    if fits == {"inside"}:
        return "proven", measured
    if fits == {"outside"}:
        return "refuted", f"{measured}: something else closed"
    if "outside" in fits:
        return "likely", f"{measured}: not all of these sockets were closed by it"
    return "likely", f"{measured}, which agrees but does not prove it"


def fit(idle: Bounds, timeout: int, thresholds: Thresholds) -> Fit:
    """Where the bounds of the idle time lie against the stretch in which Redis closes."""
    first = timeout - thresholds.timeout_slack_s
    last = timeout + thresholds.redis_close_lag_s + thresholds.timeout_slack_s
    longest = float("inf") if idle["max"] is None else idle["max"]
    if longest < first or idle["min"] > last:
        return "outside"
    return "inside" if idle["min"] >= first and longest <= last else "overlaps"


def _idle_text(idle: list[Bounds]) -> str:
    low = min(bounds["min"] for bounds in idle)
    highest = [bounds["max"] for bounds in idle if bounds["max"] is not None]
    if len(highest) < len(idle):
        return f"{low:.1f} s or more"
    return f"{low:.1f} s" if low == max(highest) else f"{low:.1f} to {max(highest):.1f} s"


def _remedy(peer: Peer, status: CauseStatus) -> list[Remedy]:
    if peer.redis is None or peer.host is None or status not in ("proven", "likely"):
        return []
    return [
        {
            "action": "redis_timeout",
            "where": peer.host,
            "risk": "config",
            "vars": {
                "timeout": 0,
                "address": peer.redis["address"],
                "port": peer.redis["port"],
                "pid": peer.redis["pid"],
            },
            "why": f"timeout {peer.redis['timeout']} closes idle connections; that it is the cause is {status}",
        }
    ]


def _rank(explanation: Explanation) -> int:
    return ("proven", "likely", "unknown", "refuted").index(explanation.cause["status"])
