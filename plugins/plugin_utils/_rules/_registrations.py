# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which epoll registrations make ``epoll_wait`` return at once, and whose they are (epoll(7), net/ipv4/tcp.c tcp_poll).

A level-triggered registration is reported for as long as its file is ready: a half-closed socket is readable for
ever, a socket without queued data writable for ever. Edge-triggered ones (bit 31) are reported once, one-shot ones
(bit 30) are disarmed by their report.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.closewait.remediation.plugins.module_utils import _epoll
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Holder, WatchedSocket, Watcher

#: CLOSE: the socket left CLOSE_WAIT by a reset or a keepalive and is in no listing, but its fd is still open.
HALF_CLOSED = ("CLOSE_WAIT", "CLOSE")
REGISTERED = "registered"
GHOST = "ghost"
FDS_SHOWN = 5


def of_process(watchers: list[Watcher], process: Process) -> list[Watcher]:
    """The registrations in the epoll sets of one process."""
    return [
        watcher
        for watcher in watchers
        if watcher["pid"] == process["pid"] and watcher["start_time"] == process["start_time"]
    ]


def is_half_closed(watcher: Watcher) -> bool:
    """Whether the peer of the watched socket has closed."""
    return watcher["socket"] is not None and watcher["socket"]["state"] in HALF_CLOSED


def reports_the_close(watcher: Watcher) -> bool:
    """Whether the closed peer alone makes ``epoll_wait`` return: EPOLLHUP needs no asking, EPOLLIN does."""
    if not _epoll.level_triggered(watcher["events"]) or watcher["socket"] is None:
        return False
    state = watcher["socket"]["state"]
    return state == "CLOSE" or (state == "CLOSE_WAIT" and bool(watcher["events"] & _epoll.READABLE))


def wants_to_write(watcher: Watcher) -> bool:
    """Whether the registration asks for room to write, which nearly every socket has."""
    return _epoll.level_triggered(watcher["events"]) and bool(watcher["events"] & _epoll.WRITABLE)


def is_own(watcher: Watcher) -> bool:
    """Whether the number still is the watched socket in the watching process."""
    number = watcher["number_now"]
    return watcher["kind"] == REGISTERED and number is not None and number["inode"] == watcher["inode"]


def is_inherited(watcher: Watcher, process: Process, watchers: list[Watcher]) -> bool:
    """Whether the epoll set is the parent's: a forked child keeps it open and lists its entries, but does not wait."""
    return any(
        other["pid"] == process["ppid"]
        and (other["epoll_fd"], other["fd"], other["inode"]) == (watcher["epoll_fd"], watcher["fd"], watcher["inode"])
        for other in watchers
    )


def other_holders(watcher: Watcher) -> list[Holder]:
    """Processes other than the watching one that hold the watched socket."""
    return [holder for holder in watcher["holders"] if holder["pid"] != watcher["pid"]]


def as_holder(watcher: Watcher) -> Holder:
    """The watching process as the holder of the number it watches; only for a registration of its own."""
    return {
        "pid": watcher["pid"],
        "start_time": watcher["start_time"],
        "fd": watcher["fd"],
        "name": watcher["name"],
    }


def by_peer(watchers: list[Watcher]) -> list[list[Watcher]]:
    """The registrations in groups with the same other end; the same address in another namespace is another end."""
    groups: dict[tuple[str, int | None], list[Watcher]] = {}
    for watcher in watchers:
        socket = watcher["socket"]
        groups.setdefault((peer_text(socket), socket.get("netns") if socket else None), []).append(watcher)
    return list(groups.values())


def fds_text(watchers: list[Watcher]) -> str:
    """The watched numbers for a sentence: "fd 7", "fds 7, 9", and of many the first few and how many."""
    fds = sorted({watcher["fd"] for watcher in watchers})
    shown = ", ".join(str(fd) for fd in fds[:FDS_SHOWN])
    more = f", … ({len(fds)} in all)" if len(fds) > FDS_SHOWN else ""
    return f"{'fd' if len(fds) == 1 else 'fds'} {shown}{more}"


def peer_text(socket: WatchedSocket | None) -> str:
    """``address:port`` of the other end; "unknown" for a socket that no listing shows."""
    remote = socket.get("remote") if socket else None
    return f"{remote['address']}:{remote['port']}" if remote else "unknown"


def evidence(watcher: Watcher) -> dict[str, Any]:
    """One registration as numbers; ``events`` in hex, as ``/proc/PID/fdinfo`` prints it."""
    socket = watcher["socket"]
    return {
        "epoll_fd": watcher["epoll_fd"],
        "fd": watcher["fd"],
        "events": f"{watcher['events']:x}",
        "inode": watcher["inode"],
        "kind": watcher["kind"],
        "state": socket["state"] if socket else None,
        "cookie": socket.get("cookie") if socket else None,
        "peer": peer_text(socket),
        "recv_q": socket.get("recv_q") if socket else None,
        "send_q": socket.get("send_q") if socket else None,
        "holders": len({holder["pid"] for holder in watcher["holders"]}),
    }
