# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program keeps a session with a database for longer than the database keeps an idle one.

The database ends it, and the program learns of that by an error at its next query ("MySQL server has gone away"); a
session that is held and never given back to its pool then fails for ever. *Proven*: the same process holds a connection
that was ended and another one idle in a transaction. *Likely*: one of its own is idle in a transaction for a good part
of ``wait_timeout``. *Suspected*: a connection was ended, and whether a pool will check it before use cannot be seen.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    AffectedProcess,
    Cause,
    Confidence,
    Finding,
    Remedy,
    Severity,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Holder, Socket, VanishedSocket
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import (
    _database_sessions,
    _processes,
    _remedies,
    _wait_timeout,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._database_sessions import Sessions
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import (
    Outcome,
    Scene,
    incomplete,
    missing,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

ID = "idle_database_connection"
SPINS = False

SHOWN = 20
ADVICE = (
    "close the session at the end of each task or request, which gives the connection back to its pool, and let the "
    "pool check it (pool_pre_ping) or drop it before the server does (pool_recycle below wait_timeout); closing alone "
    "still costs one error a pause, and pool_pre_ping does nothing for a session that is never closed"
)
NOTHING_TO_CLOSE = "closing the fd from outside heals nothing, for the session in the program stays broken"


class Judged(NamedTuple):
    """Sessions that are a finding, with why they ended."""

    sessions: Sessions
    cause: Cause
    confidence: Confidence
    severity: Severity


def evaluate(scene: Scene) -> Outcome:
    """One finding per process (or client on another host) and database."""
    unknowns = _unseen(scene)
    judged = [_judge(sessions, scene.thresholds) for sessions in _database_sessions.Census(scene)]
    return Outcome([_finding(scene, one) for one in judged if one], unknowns)


def _unseen(scene: Scene) -> list[str]:
    """Why a session may have been missed."""
    reasons = [*missing(scene, "tcp", "vanished"), *incomplete(scene, "tcp", "mysql")]
    tcp, mysql = scene.facts.get("tcp"), scene.facts.get("mysql")
    vanished = tcp.get("vanished") if tcp else None
    if vanished and vanished["unasked"]:
        reasons.append(
            f"{vanished['unasked']} sockets are in no listing, and what they were connected to could not be asked (as "
            "root, on Linux 5.6 or newer, it can)"
        )
    if vanished and vanished["omitted"]:
        reasons.append(f"{vanished['omitted']} connections that ended were cut off the list")
    for instance in (mysql["instances"] or []) if mysql else []:
        name = f"{instance['unix_socket'] or instance['address']} (process {instance['pid']})"
        if instance["error"] is not None:
            reasons.append(f"the database {name} could not be asked: {instance['error']} ({_wait_timeout.ANSWER})")
        elif instance["held"] is None:
            reasons.append(f"who is idle in a transaction of {name} could not be seen: the user needs PROCESS")
    return list(dict.fromkeys(reasons))


def _judge(sessions: Sessions, thresholds: Thresholds) -> Judged | None:
    held = _held_for_long(sessions, thresholds)
    ended = bool(sessions.reset or sessions.closed)
    if not ended and not held:
        return None
    if not ended:
        cause = _wait_timeout.threatens(sessions.database, sessions.longest_held_s)
        return Judged(sessions, cause, "likely", "medium")
    silent = [socket["silent_s"] for socket in sessions.reset]
    idle = [socket["idle_at_fin_s"] for socket in sessions.closed]
    cause = _wait_timeout.cause(sessions.database, silent, idle, thresholds)
    by_timeout = cause["status"] == "likely"
    if held:
        return Judged(sessions, cause, "proven" if by_timeout else "likely", "high")
    return Judged(sessions, cause, "suspected", "medium" if by_timeout else "low")


def _held_for_long(sessions: Sessions, thresholds: Thresholds) -> bool:
    """Whether one that nobody gave back has been idle for a good part of the timeout."""
    instance = sessions.database.instance
    limit = instance["wait_timeout"] if instance else None
    return (
        limit is not None
        and bool(sessions.held)
        and (sessions.longest_held_s >= thresholds.database_idle_share * limit)
    )


def _finding(scene: Scene, one: Judged) -> Finding:
    sessions = one.sessions
    holder = sessions.holder
    return {
        "id": ID,
        "host": scene.host,
        "severity": one.severity,
        "confidence": one.confidence,
        "title": f"{_who(sessions)} {_what(sessions)}",
        "process": _process(scene, holder) if holder else None,
        "subject": None if holder else f"{_who(sessions)} on {sessions.database.name}",
        "evidence": _evidence(sessions),
        "cause": one.cause,
        "remedy": _remedy(scene, one),
        "unknowns": _gaps(one),
    }


def _who(sessions: Sessions) -> str:
    if sessions.holder:
        return f"{sessions.holder['name']} ({sessions.holder['pid']})"
    return f"{sessions.user}@{sessions.client}"


def _what(sessions: Sessions) -> str:
    ended = len(sessions.reset) + len(sessions.closed)
    if ended:
        many = "a connection" if ended == 1 else f"{ended} connections"
        return f"still holds {many} that {sessions.database.name} has ended"
    return (
        f"has kept a session open in a transaction of {sessions.database.name}, idle for {sessions.longest_held_s} s "
        f"of the {_limit(sessions)} s after which it is ended"
    )


def _limit(sessions: Sessions) -> int | None:
    instance = sessions.database.instance
    return instance["wait_timeout"] if instance else None


def _process(scene: Scene, holder: Holder) -> AffectedProcess:
    process = _processes.measured(scene, holder["pid"], holder["start_time"])
    return _remedies.affected(process) if process else _processes.named(holder)


def _evidence(sessions: Sessions) -> dict[str, Any]:
    instance = sessions.database.instance
    return {
        "reset": [_reset(socket) for socket in sessions.reset[:SHOWN]],
        "reset_total": len(sessions.reset),
        "closed": [_closed(socket) for socket in sessions.closed[:SHOWN]],
        "closed_total": len(sessions.closed),
        "held": sessions.held[:SHOWN],
        "held_total": len(sessions.held),
        "wait_timeout": _limit(sessions),
        "aborted_clients": instance["aborted_clients"] if instance else None,
        "uptime_s": instance["uptime_s"] if instance else None,
        "longest_idle_s": max((pool["longest_idle_s"] for pool in instance["pools"] or []), default=None)
        if instance
        else None,
        "told": _told(sessions),
    }


def _told(sessions: Sessions) -> list[str]:
    lines = [
        f"fd {socket['holders'][0]['fd']} is in no listing; it led to {socket['remote']['address']}:"
        f"{socket['remote']['port']} and has had no data for {socket['silent_s']:.1f} s"
        for socket in sessions.reset
    ]
    lines += [f"fd {socket['holders'][0]['fd']} is in CLOSE_WAIT" for socket in sessions.closed]
    lines += [f"session {s['id']} of {s['user']} is idle in a transaction for {s['idle_s']} s" for s in sessions.held]
    return lines[:SHOWN]


def _reset(socket: VanishedSocket) -> dict[str, Any]:
    return {
        "fd": socket["holders"][0]["fd"],
        "inode": socket["inode"],
        "cookie": socket["cookie"],
        "local": f"{socket['local']['address']}:{socket['local']['port']}",
        "peer": f"{socket['remote']['address']}:{socket['remote']['port']}",
        "silent_s": socket["silent_s"],
    }


def _closed(socket: Socket) -> dict[str, Any]:
    return {
        "fd": socket["holders"][0]["fd"],
        "inode": socket["inode"],
        "cookie": socket["cookie"],
        "peer": f"{socket['remote']['address']}:{socket['remote']['port']}",
        "idle_at_fin_s": socket["idle_at_fin_s"],
        "age_s": socket["age_s"],
    }


def _remedy(scene: Scene, one: Judged) -> list[Remedy]:
    sessions, holder = one.sessions, one.sessions.holder
    remedies = _wait_timeout.remedy(sessions.database, one.cause["status"], scene.thresholds)
    if holder:
        process = _processes.measured(scene, holder["pid"], holder["start_time"])
        why = f"only a new session works again, and a longer wait_timeout is for new ones; {NOTHING_TO_CLOSE}"
        remedies.append(_remedies.restart_of(scene.host, holder, process["supervisor"] if process else None, why))
    return [*remedies, _remedies.advice(ADVICE)]


def _gaps(one: Judged) -> list[str]:
    sessions = one.sessions
    gaps = []
    if one.confidence == "suspected":
        gaps.append(
            "whether the program holds this session or it is an idle entry of a pool, and whether a pool checks one "
            "before use, cannot be told from outside: with pool_pre_ping or pool_recycle it heals at its next use"
        )
    if sessions.reset:
        gaps.append("when it was reset is kept nowhere: only that it has had no data since before")
    if sessions.database.instance is None:
        gaps.append(
            f"that {sessions.database.address}:{sessions.database.port} is a database is told by its port alone"
        )
    elif sessions.held:
        gaps.append("a session that is connected has the wait_timeout of when it connected, which may be another one")
    return gaps
