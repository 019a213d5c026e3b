# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape of ``accept_queues`` in the ``tcp`` subset. Queues of listening sockets are connections, not bytes."""

from __future__ import annotations

from typing import TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Runtime, Supervisor


class QueueHolder(TypedDict):
    """An fd number through which a process holds a listening socket."""

    pid: int
    start_time: int
    fd: int
    name: str


class QueuePeer(TypedDict):
    """Connections of one address that it has closed; ``stood``: those that were so at the first look already."""

    address: str
    half_closed: int
    stood: int
    unaccepted: int


class AcceptQueue(TypedDict):
    """A listening socket with something waiting; ``queue_before`` is None where the first look did not see it."""

    netns: int
    address: str
    port: int
    inode: int
    queue: int
    queue_before: int | None
    backlog: int
    half_closed: int
    half_closed_stood: int
    unaccepted: int
    by_peer: list[QueuePeer]
    by_peer_omitted: int
    holders: list[QueueHolder]
    holders_omitted: int


class RefusedConnections(TypedDict):
    """How much the counters of a namespace grew over the window."""

    netns: int
    overflows: int | None
    drops: int | None
    overflows_per_s: float | None
    drops_per_s: float | None


class Wait(TypedDict):
    """A system call in which a thread was in ``seen`` of the samples; ``protocol``: of the only socket it is about."""

    main_thread: bool
    call: str
    wchan: str
    protocol: str | None
    remote: Endpoint | None
    seen: int


class Acceptor(TypedDict):
    """A process that holds listening sockets, followed over ``samples``; with ``error`` it could not be."""

    pid: int
    start_time: int
    ppid: int
    name: str
    cmdline: list[str]
    runtime: Runtime | None
    supervisor: Supervisor | None
    threads: int
    threads_omitted: int
    listeners: list[int]
    samples: int
    accepting: int
    running: int
    waiting: int
    waits: list[Wait]
    waits_omitted: int
    error: str | None


class AcceptQueues(TypedDict):
    """What waits to be accepted, and what those do who should."""

    window_s: float
    namespaces: list[RefusedConnections]
    listeners: list[AcceptQueue]
    omitted: int
    processes: list[Acceptor]
    processes_omitted: int
