# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape of the ``tcp`` subset. Queues in bytes."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.accept_queues import AcceptQueues
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import (
    Endpoint,
    NamedProcess,
    SourceError,
)


class Bounds(TypedDict):
    """Seconds; ``max`` is None where nothing bounds it."""

    min: float
    max: float | None


class Holder(TypedDict):
    """An fd number through which a process holds a socket."""

    pid: int
    start_time: int
    fd: int
    name: str


class Socket(TypedDict):
    """A half-closed socket; ``inode`` 0 means that no program has accepted it yet."""

    netns: int
    family: str
    local: Endpoint
    remote: Endpoint
    state: str
    inode: int
    cookie: str
    uid: int
    recv_q: int
    send_q: int
    unread_bytes: int
    fin_read: bool
    age_s: Bounds
    idle_at_fin_s: Bounds
    holders: list[Holder]
    holders_omitted: int


class WatchedSocket(TypedDict):
    """The socket behind a registration; ``{"state": "CLOSE"}`` alone when no listing shows it any more."""

    state: str
    netns: NotRequired[int]
    cookie: NotRequired[str]
    local: NotRequired[Endpoint]
    remote: NotRequired[Endpoint]
    recv_q: NotRequired[int]
    send_q: NotRequired[int]


class NumberNow(TypedDict):
    """What a process has at an fd number; ``inode`` is None for a file that is not a socket."""

    inode: int | None
    link: str | None


class Watcher(TypedDict):
    """An epoll registration that can make ``epoll_wait`` return at once; ``kind`` is "registered" or "ghost"."""

    pid: int
    start_time: int
    name: str
    epoll_fd: int
    fd: int
    events: int
    level_triggered: bool
    inode: int
    kind: str
    socket: WatchedSocket | None
    number_now: NumberNow | None
    holders: list[Holder]
    holders_omitted: NotRequired[int]


class Watchers(TypedDict):
    """Suspicious registrations; ``omitted`` of them were cut off.

    ``asleep``: processes whose epoll sets were not read, as there are very many sockets and they slept meanwhile.
    """

    level_triggered: int
    suspects: list[Watcher]
    omitted: int
    asleep: NotRequired[int]


class HalfClosedProcess(TypedDict):
    """Half-closed sockets of one process; ``ages`` counts FIN ages per class, keyed by its upper end in seconds."""

    pid: int
    start_time: int
    name: str
    total: int
    watched: int
    oldest_s: float
    youngest_s: float
    ages: dict[str, int]
    fd_limit: int | None


class HalfClosedPeer(TypedDict):
    """Half-closed sockets towards one remote address and port; ``unaccepted``: those that no program has."""

    address: str
    port: int
    total: int
    unaccepted: int


class CloseWait(TypedDict):
    """Half-closed sockets of the host."""

    total: int
    unaccepted: int
    unowned: int
    sockets: list[Socket]
    omitted: int
    by_process: list[HalfClosedProcess]
    by_process_omitted: int
    by_peer: NotRequired[list[HalfClosedPeer]]


class Listener(TypedDict):
    """A listening socket."""

    netns: int
    address: str
    port: int
    inode: int
    holders: list[Holder]


class Listeners(TypedDict):
    """Listening sockets; ``omitted`` of them were cut off."""

    sockets: list[Listener]
    omitted: int


class CrowdedRemote(TypedDict):
    """Many connections of the processes of one name to one remote; ``p50`` and ``max`` over those that have any.

    ``ports_used`` of ``ports`` between ``source`` and this remote are taken, ``time_wait`` of them by what is over.
    ``sampled`` connections were asked how long they have been idle; ``waiting`` of them wait for an answer.
    """

    name: str
    netns: int
    address: str
    port: int
    total: int
    processes: int
    p50: int
    max: int
    source: str
    ports_used: int
    time_wait: int
    ports: int
    sampled: int
    waiting: int
    idle_p50_s: float | None
    idle_max_s: float | None


class RemoteCount(TypedDict):
    """How many connections lead there."""

    address: str
    port: int
    total: int


class CrowdedProcess(TypedDict):
    """A process that has opened many connections; ``p50`` and ``max`` over its remotes."""

    pid: int
    start_time: int
    name: str
    total: int
    remotes: int
    p50: int
    max: int
    top: list[RemoteCount]
    fds: int
    fd_limit: int | None


class Established(TypedDict):
    """Established connections: opened from here, and come in; ``unowned``: opened ones whose holder was not seen."""

    opened: int
    incoming: int
    unowned: int
    by_remote: list[CrowdedRemote]
    by_remote_omitted: int
    by_process: list[CrowdedProcess]
    by_process_omitted: int


class Namespace(TypedDict):
    """A network namespace that has processes in it."""

    netns: int
    pid: int
    processes: int


class Unreadable(TypedDict):
    """Processes whose fd tables or epoll sets could not be read."""

    total: int
    processes: list[NamedProcess]
    omitted: int


class VanishedSocket(TypedDict):
    """A connection that ended while its fd stayed open; no listing shows it. ``silent_s``: since it last got data."""

    netns: int | None
    local: Endpoint
    remote: Endpoint
    inode: int
    cookie: str
    silent_s: float
    holders: list[Holder]
    holders_omitted: int


class Vanished(TypedDict):
    """Such sockets; ``unasked`` could not be asked and may be ones that were never connected."""

    total: int
    unasked: int
    sockets: list[VanishedSocket]
    omitted: int


class ClosingSocket(TypedDict):
    """A connection that this end has closed and the other one has not (FIN_WAIT1, FIN_WAIT2)."""

    netns: int
    local: Endpoint
    remote: Endpoint
    state: str


class Closing(TypedDict):
    """Such connections; ``omitted`` of them were cut off."""

    total: int
    sockets: list[ClosingSocket]
    omitted: int


class TcpFacts(TypedDict):
    """The ``tcp`` subset."""

    errors: list[SourceError]
    addresses: list[str] | None
    namespaces: list[Namespace]
    listeners: Listeners | None
    close_wait: CloseWait | None
    watchers: Watchers | None
    established: NotRequired[Established | None]
    unreadable: NotRequired[Unreadable]
    accept_queues: NotRequired[AcceptQueues | None]
    vanished: NotRequired[Vanished | None]
    closing: NotRequired[Closing | None]
