# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accept queues are in trouble, and who of those that should accept waits for what instead."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.accept_queues import (
    Acceptor,
    AcceptQueue,
    AcceptQueues,
    Wait,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

#: A loop that waits for whatever comes first, but not for new connections: it holds them off by its own will.
LOOPS = ("epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6")
FEW_SAMPLES = 5
ACCEPTING_SHARE = 0.1

State = Literal["blocked", "accepts", "busy", "holds off", "unknown"]


class Trouble(NamedTuple):
    """Why a queue is more than a burst. ``given_up``: half-closed connections of which nobody took notice meanwhile.

    ``full``: no room at either look; ``refused``: connections refused in its namespace while there was no room;
    ``crowded``: a good part of the room taken at both looks.
    """

    given_up: int
    full: bool
    refused: int
    crowded: bool

    @property
    def certain(self) -> bool:
        """Somebody was let down; a queue that is long may still be served in time."""
        return bool(self.given_up or self.full or self.refused)


class Blocked(NamedTuple):
    """What a process waits for instead of accepting. ``seen``: samples in which it was in ``call``.

    ``remote``: who is at the other end, in ``known`` of those samples.
    """

    process: Acceptor
    call: str
    wchan: str
    protocol: str | None
    remote: Endpoint | None
    seen: int
    known: int


def trouble(queues: AcceptQueues, row: AcceptQueue, thresholds: Thresholds) -> Trouble | None:
    """None for a queue as a busy service has it."""
    room, before = max(row["backlog"], 1), row["queue_before"]
    refused = sum(ns["overflows"] or 0 for ns in queues["namespaces"] if ns["netns"] == row["netns"])
    stood = row["half_closed_stood"]
    found = Trouble(
        given_up=stood if stood >= thresholds.accept_given_up else 0,
        full=row["queue"] >= room and before is not None and before >= room,
        refused=refused if row["queue"] >= room else 0,
        crowded=before is not None and min(row["queue"], before) >= thresholds.accept_queue_share * room,
    )
    return found if found.certain or found.crowded else None


def acceptors(queues: AcceptQueues, row: AcceptQueue) -> list[Acceptor]:
    """The processes that hold the listening socket and were followed."""
    return [process for process in queues["processes"] if row["inode"] in process["listeners"]]


def state(process: Acceptor, thresholds: Thresholds) -> State:
    """What the process did most of the time; only a blocked one has a :func:`blocked_on`."""
    samples = process["samples"]
    if process["error"] or samples < FEW_SAMPLES:
        return "unknown"
    if process["accepting"] > ACCEPTING_SHARE * samples:
        return "accepts"
    if process["waiting"] < thresholds.blocked_share * samples:
        return "busy"
    return "blocked" if blocked_on(process, thresholds) else "holds off"


def blocked_on(process: Acceptor, thresholds: Thresholds) -> Blocked | None:
    """The one thing that it waits for most; None where that is an event loop's wait for one of several things."""
    groups: dict[tuple[str, str | None], list[Wait]] = {}
    for wait in process["waits"]:
        if wait["protocol"] is not None or (wait["main_thread"] and wait["call"] not in LOOPS):
            groups.setdefault((wait["call"], wait["protocol"]), []).append(wait)
    enough = thresholds.blocked_share * process["samples"]
    found = [_blocked(process, waits) for waits in groups.values()]
    often = [blocked for blocked in found if blocked.seen >= enough]
    return min(often, key=_rank, default=None)


def _blocked(process: Acceptor, waits: list[Wait]) -> Blocked:
    """Waits in the same call for the same kind of socket, one connection after the other."""
    remotes: dict[tuple[str, int], int] = {}
    for wait in waits:
        if wait["remote"] is not None:
            end = wait["remote"]["address"], wait["remote"]["port"]
            remotes[end] = remotes.get(end, 0) + wait["seen"]
    most = max(remotes, key=lambda end: remotes[end], default=None)
    return Blocked(
        process,
        waits[0]["call"],
        waits[0]["wchan"],
        waits[0]["protocol"],
        {"address": most[0], "port": most[1]} if most else None,
        sum(wait["seen"] for wait in waits),
        remotes[most] if most else 0,
    )


def _rank(blocked: Blocked) -> tuple[bool, bool, int]:
    return blocked.remote is None, blocked.protocol is None, -blocked.seen


def evidence(queues: AcceptQueues, row: AcceptQueue, blocked: list[Blocked]) -> dict[str, Any]:
    """The numbers; queues are connections, rates per second."""
    counters = [ns for ns in queues["namespaces"] if ns["netns"] == row["netns"]]
    return {
        "window_s": queues["window_s"],
        "listener": f"{row['address']}:{row['port']}",
        "queue": row["queue"],
        "queue_before": row["queue_before"],
        "backlog": row["backlog"],
        "overflows_per_s": counters[0]["overflows_per_s"] if counters else None,
        "drops_per_s": counters[0]["drops_per_s"] if counters else None,
        "half_closed": row["half_closed"],
        "half_closed_stood": row["half_closed_stood"],
        "unaccepted": row["unaccepted"],
        "by_peer": row["by_peer"],
        "blocked": [_shown(item) for item in blocked],
    }


def _shown(item: Blocked) -> dict[str, Any]:
    return {
        "pid": item.process["pid"],
        "start_time": item.process["start_time"],
        "samples": item.process["samples"],
        "accepting": item.process["accepting"],
        "running": item.process["running"],
        "waiting": item.process["waiting"],
        "call": item.call,
        "wchan": item.wchan,
        "protocol": item.protocol,
        "remote": item.remote,
        "seen": item.seen,
    }
