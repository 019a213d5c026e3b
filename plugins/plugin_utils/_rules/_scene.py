# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every rule gets and gives, and how it says that a source was missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, Protocol

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts import (
    CpuFacts,
    Endpoint,
    HostFacts,
    RedisInstance,
    SourceError,
    TcpFacts,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

SubsetName = Literal["tcp", "cpu"]


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


PeerLookup = Callable[[Connection], Peer]


class Scene(NamedTuple):
    """One host as a rule sees it; ``peer_of`` knows the other hosts."""

    host: str
    facts: HostFacts
    peer_of: PeerLookup
    thresholds: Thresholds


class Outcome(NamedTuple):
    """``unknowns``: why the rule could not rule its finding out. Both empty: looked, and nothing there."""

    findings: list[Finding]
    unknowns: list[str]


class Rule(Protocol):
    """A module of this package: one finding."""

    ID: str

    def evaluate(self, scene: Scene) -> Outcome:
        """Findings with this ID on one host; pure."""


def missing(scene: Scene, subset: SubsetName, part: str) -> list[str]:
    """Why this part of a subset is not to be had; empty when it is there."""
    facts = scene.facts.get(subset)
    if facts is None:
        return [f"{subset} facts were not gathered"]
    if facts.get(part) is not None:
        return []
    return [f"{subset} {part} could not be read: {_reasons(facts['errors'])}"]


def incomplete(scene: Scene, *subsets: SubsetName) -> list[str]:
    """Sources of these subsets that could not be read, so that nothing found there is not nothing there."""
    return [f"{subset}: {_error(error)}" for subset in subsets for error in _errors(scene.facts.get(subset))]


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


def _errors(facts: TcpFacts | CpuFacts | None) -> Iterator[SourceError]:
    yield from facts["errors"] if facts else ()


def _reasons(errors: list[SourceError]) -> str:
    return "; ".join(_error(error) for error in errors) or "no reason given"


def _error(error: SourceError) -> str:
    return f"{error['source']}: {error['reason']}"
