# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of the facts that the modules gather on one host (``ansible_facts.closewait``).

``None`` stands for "could not look"; ``errors`` of the same subset says why. Times are seconds, queues bytes,
``start_time`` is clock ticks since boot (``/proc/PID/stat``, field 22), percentages are of one CPU.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class SourceError(TypedDict):
    """A source that could not be read."""

    source: str
    reason: str


class Endpoint(TypedDict):
    """One end of a connection."""

    address: str
    port: int


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
    """Suspicious registrations; ``omitted`` of them were cut off."""

    level_triggered: int
    suspects: list[Watcher]
    omitted: int


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


class CloseWait(TypedDict):
    """Half-closed sockets of the host."""

    total: int
    unaccepted: int
    unowned: int
    sockets: list[Socket]
    omitted: int
    by_process: list[HalfClosedProcess]
    by_process_omitted: int


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


class Namespace(TypedDict):
    """A network namespace that has processes in it."""

    netns: int
    pid: int
    processes: int


class NamedProcess(TypedDict):
    """A process by pid and start time."""

    pid: int
    start_time: int
    name: str


class Unreadable(TypedDict):
    """Processes whose fd tables or epoll sets could not be read."""

    total: int
    processes: list[NamedProcess]
    omitted: int


class TcpFacts(TypedDict):
    """The ``tcp`` subset."""

    errors: list[SourceError]
    addresses: list[str] | None
    namespaces: list[Namespace]
    listeners: Listeners | None
    close_wait: CloseWait | None
    watchers: Watchers | None
    unreadable: NotRequired[Unreadable]


class Thread(TypedDict):
    """The thread that used most CPU; ``states`` holds one letter per sample."""

    tid: int
    cpu_percent: float
    state: str
    states: list[str]
    voluntary_per_s: float
    involuntary_per_s: float


class Runtime(TypedDict):
    """What runs the program; ``loops`` are event loop libraries with their versions, "gevent 25.4.1"."""

    name: str
    version: str | None
    loops: list[str]
    role: str | None


class Supervisor(TypedDict):
    """Who would start the process again: "supervisord", "systemd" or None."""

    kind: str | None
    name: str | None


class Process(TypedDict):
    """CPU use of one process over the window."""

    pid: int
    start_time: int
    ppid: int
    name: str
    uid: int
    cmdline: list[str]
    state: str
    states: list[str]
    threads: int
    cpu_percent: float
    user_percent: float
    system_percent: float
    cpu_percent_windows: list[float]
    voluntary_per_s: float
    involuntary_per_s: float
    hottest_thread: Thread | None
    runtime: Runtime | None
    supervisor: Supervisor | None


class CpuFacts(TypedDict):
    """The ``cpu`` subset; ``asked``: pids that are listed, if they are alive, whatever they use."""

    errors: list[SourceError]
    window_s: float
    subwindows: int
    cpus: int
    processes_total: int | None
    processes: list[Process] | None
    omitted: int
    asked: NotRequired[list[int]]


class RedisInstance(TypedDict):
    """A Redis server; with ``error`` set it was seen, but its settings could not be read."""

    pid: int | None
    start_time: int | None
    address: str | None
    port: int | None
    unix_socket: str | None
    version: str | None
    timeout: int | None
    tcp_keepalive: int | None
    config_file: str | None
    error: str | None
    netns: NotRequired[int | None]
    listening: NotRequired[list[Endpoint] | None]


class RedisFacts(TypedDict):
    """The ``redis`` subset."""

    errors: list[SourceError]
    instances: list[RedisInstance] | None
    omitted: NotRequired[int]


class HostFacts(TypedDict, total=False):
    """Everything gathered on one host; a subset that was not asked for is absent."""

    tcp: TcpFacts | None
    cpu: CpuFacts | None
    redis: RedisFacts | None
