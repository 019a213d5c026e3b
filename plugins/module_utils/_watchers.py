# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Epoll registrations that can make ``epoll_wait`` return at once, for ever.

A registration belongs to the open file, not to the number: it stays when the number is closed while a forked
process still holds the file (epoll(7), "Questions and answers" 6). Such an entry is a *ghost*.
"""

from __future__ import annotations

import os
import socket
from typing import Iterable, List, Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _epoll, _holders, _procfs

REGISTERED = "registered"
GHOST = "ghost"
#: A TCP socket that no listing shows: it left CLOSE_WAIT (reset, keepalive) while its fd stayed open.
UNLISTED = "CLOSE"
#: What sockfs calls TCP sockets.
TCP = ("TCP", "TCPv6")


class Watcher(NamedTuple):
    """A registration of a socket; ``state`` is a name of ``_sock_diag.STATES``, None for what no TCP listing shows."""

    owner: _holders.Owner
    epoll_fd: int
    fd: int
    events: int
    inode: int
    kind: str
    state: Optional[str]

    @property
    def key(self) -> tuple[int, int, int, int, int, str]:
        """What must be the same on a second look for the entry to count."""
        return (self.owner.pid, self.owner.start_time, self.epoll_fd, self.fd, self.inode, self.kind)

    @property
    def level_triggered(self) -> bool:
        """Whether epoll_wait(2) reports it again and again."""
        return _epoll.level_triggered(self.events)


class Scan(NamedTuple):
    """``watchers``: every registration of a socket; ``denied``: pids with an epoll instance that could not be read.

    ``blind``: this kernel does not tell which files are registered (before Linux 4.13).
    """

    watchers: list[Watcher]
    denied: list[int]
    blind: bool = False


def sockfs_device() -> int:
    """Device number of sockfs as the kernel prints it in fdinfo (MAJOR << 20 | MINOR)."""
    with socket.socket(socket.AF_UNIX) as probe:
        device = os.fstat(probe.fileno()).st_dev
    return os.major(device) << 20 | os.minor(device)


def scan(owners: Iterable[_holders.Owner], states: Mapping[int, str], proc: str = "/proc") -> Scan:
    """Look through the epoll sets of these processes. ``states``: TCP state name per inode, over all namespaces."""
    device = sockfs_device()
    found: list[Watcher] = []
    denied: list[int] = []
    blind = False
    for owner in owners:
        for epoll_fd in owner.table.epolls:
            try:
                entries = _epoll.parse(_procfs.fdinfo(owner.pid, epoll_fd, proc))
            except PermissionError:
                denied.append(owner.pid)
                continue
            blind = blind or any(entry.device == _epoll.UNTOLD for entry in entries)
            found += [_watcher(owner, epoll_fd, entry, states, proc) for entry in entries if entry.device == device]
    return Scan(found, denied, blind)


def by_inode(watchers: Iterable[Watcher]) -> dict[int, list[Watcher]]:
    """Registrations of each socket, ghosts included."""
    index: dict[int, list[Watcher]] = {}
    for watcher in watchers:
        index.setdefault(watcher.inode, []).append(watcher)
    return index


def ghost_state(watcher: Watcher, holders: Mapping[int, List[_holders.Holder]], proc: str = "/proc") -> Watcher:
    """A ghost whose socket no listing shows gets its state through a process that still holds it, if there is one."""
    if watcher.kind != GHOST or watcher.state is not None:
        return watcher
    protocols = [_holders.protocol(holder, proc) for holder in holders.get(watcher.inode, [])[:1]]
    return watcher._replace(state=UNLISTED) if protocols and protocols[0] in TCP else watcher


def uncertain(watcher: Watcher) -> bool:
    """Whether one look is not enough: a number reused or a socket born during the walk looks just like this."""
    return watcher.kind == GHOST or watcher.state == UNLISTED


def suspect(watcher: Watcher) -> bool:
    """Whether this registration, in a process that spins, could be the reason."""
    if not watcher.level_triggered:
        return False
    if watcher.kind == GHOST or watcher.state == UNLISTED:
        return True
    if watcher.state == "CLOSE_WAIT":
        return bool(watcher.events & (_epoll.READABLE | _epoll.WRITABLE))
    return watcher.state is not None and bool(watcher.events & _epoll.WRITABLE)


def _watcher(
    owner: _holders.Owner, epoll_fd: int, entry: _epoll.Registration, states: Mapping[int, str], proc: str
) -> Watcher:
    kind = REGISTERED if owner.table.sockets.get(entry.fd) == entry.inode else GHOST
    state = states.get(entry.inode)
    if state is None and kind == REGISTERED and _is_tcp(owner, entry.fd, proc):
        state = UNLISTED
    return Watcher(owner, epoll_fd, entry.fd, entry.events, entry.inode, kind, state)


def _is_tcp(owner: _holders.Owner, fd: int, proc: str) -> bool:
    holder = _holders.Holder(owner.pid, owner.start_time, fd, owner.name)
    return _holders.protocol(holder, proc) in TCP
