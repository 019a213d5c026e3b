# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every rule gets and gives, and how it says that a source was missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, cast

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint, SourceError
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.redis import RedisInstance
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds


class Peer(NamedTuple):
    """Who is at the other end; what is not known is None, and ``reason`` says why."""

    address: str
    port: int
    host: str | None
    redis: RedisInstance | None
    reason: str


class Connection(NamedTuple):
    """What tells where a connection leads: its ends and the network namespace it lives in."""

    netns: int | None
    local: Endpoint | None
    remote: Endpoint


class Place(NamedTuple):
    """Where a connection leads. ``host`` None: to none of the looked-at ones, and ``reason`` says why.

    ``netns`` is that of the other end where it is the same as that of this end, else None.
    """

    address: str
    port: int
    host: str | None
    netns: int | None
    reason: str


PeerLookup = Callable[[Connection], Peer]
PlaceLookup = Callable[[Connection], Place]


class Scene(NamedTuple):
    """One host as a rule sees it; ``peer_of`` knows the Redis of others by address, ``place_of`` the others themselves.

    ``fleet`` holds the facts of all that gave some.
    """

    host: str
    facts: HostFacts
    peer_of: PeerLookup
    thresholds: Thresholds
    fleet: Mapping[str, HostFacts]
    place_of: PlaceLookup


class Outcome(NamedTuple):
    """``unknowns``: why the rule could not rule its finding out. Both empty: looked, and nothing there."""

    findings: list[Finding]
    unknowns: list[str]


class Rule(Protocol):
    """A module of this package: one finding.

    ``SPINS``: what it finds is a process that spins, so the verdict looks at the CPU use of that process afterwards as
    well. Else the rule's own answer decides; and with ``ONLY_SERVICE_PROVES = True`` in the module only together with
    one of the commands that try the service.
    """

    ID: str
    SPINS: bool

    def evaluate(self, scene: Scene) -> Outcome:
        """Findings with this ID on one host; pure."""


def missing(scene: Scene, subset: str, part: str) -> list[str]:
    """Why this part of a subset is not to be had; empty when it is there."""
    facts = _subset(scene.facts, subset)
    if facts is None:
        return [f"{subset} facts were not gathered"]
    if facts.get(part) is not None:
        return []
    return [f"{subset} {part} could not be read: {_reasons(facts['errors'])}"]


def incomplete(scene: Scene, *subsets: str) -> list[str]:
    """Sources of these subsets that could not be read, so that nothing found there is not nothing there."""
    return [f"{subset}: {_error(error)}" for subset in subsets for error in errors(scene.facts, subset)]


def unlisted(scene: Scene, pid: int, start_time: int) -> str | None:
    """Why the sockets and epoll sets of this process are not known, None when they are."""
    tcp = scene.facts.get("tcp")
    unreadable = tcp.get("unreadable") if tcp else None
    if not unreadable:
        return None
    if any(row["pid"] == pid and row["start_time"] == start_time for row in unreadable["processes"]):
        return f"process {pid} uses CPU like a spinning one, but its fds and epoll sets could not be read"
    if unreadable["omitted"]:
        return f"process {pid} uses CPU like a spinning one and may be among {unreadable['total']} unreadable ones"
    return None


def errors(facts: HostFacts, subset: str) -> list[SourceError]:
    """The sources of this subset that could not be read; empty for one that was not gathered."""
    gathered = _subset(facts, subset)
    return gathered["errors"] if gathered else []


def _subset(facts: HostFacts, subset: str) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any] | None", facts.get(subset))


def _reasons(unread: list[SourceError]) -> str:
    return "; ".join(_error(error) for error in unread) or "no reason given"


def _error(error: SourceError) -> str:
    return f"{error['source']}: {error['reason']}"
