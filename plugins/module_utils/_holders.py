# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes hold which sockets open: one walk over the fd tables of all processes."""

from __future__ import annotations

import os
from typing import Callable, Collection, Iterable, Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs

#: sockfs answers this extended attribute with the protocol's name (net/socket.c, sockfs_xattr_get)
SOCKET_PROTOCOL = "system.sockprotoname"


class Owner(NamedTuple):
    """A process with at least one socket or epoll instance open. ``running``: it had, or wanted, a CPU when seen."""

    pid: int
    start_time: int
    name: str
    table: _procfs.FdTable
    running: bool


class Holder(NamedTuple):
    """One fd number through which a process holds a socket."""

    pid: int
    start_time: int
    fd: int
    name: str


class Walk(NamedTuple):
    """``denied``: pids whose fd table could not be read for lack of permission."""

    owners: list[Owner]
    denied: list[int]


def walk(pids: Iterable[int], proc: str = "/proc") -> Walk:
    """Fd tables of these processes; processes that end meanwhile are left out."""
    return _each(pids, lambda pid: owner_of(pid, proc))


def links_to(inodes: Iterable[int]) -> dict[str, int]:
    """What an fd that leads to one of these sockets looks like in ``/proc/PID/fd``, and its inode."""
    return {"socket:[%d]" % inode: inode for inode in inodes}


def search(pids: Iterable[int], links: Mapping[str, int], proc: str = "/proc") -> Walk:
    """The same, but only processes that hold one of these sockets, and of their fds only those that lead to them."""
    return _each(pids, lambda pid: _owner_with(pid, links, proc))


def _each(pids: Iterable[int], look: Callable[[int], Optional[Owner]]) -> Walk:
    owners: list[Owner] = []
    denied: list[int] = []
    for pid in pids:
        try:
            owner = look(pid)
        except PermissionError:
            denied.append(pid)
            continue
        if owner is not None:
            owners.append(owner)
    return Walk(owners, denied)


def owner_of(pid: int, proc: str = "/proc") -> Optional[Owner]:
    """The process as an owner; None when it is gone or has neither sockets nor epoll instances."""
    try:
        table = _procfs.fd_table(pid, proc)
    except (FileNotFoundError, ProcessLookupError):
        return None
    if not table.sockets and not table.epolls:
        return None
    stat = _procfs.stat(pid, proc)
    return Owner(pid, stat.start_time, stat.name, table, stat.state == "R") if stat else None


def _owner_with(pid: int, links: Mapping[str, int], proc: str) -> Optional[Owner]:
    try:
        found = _procfs.fds_of(pid, links, proc)
    except (FileNotFoundError, ProcessLookupError):
        return None
    stat = _procfs.stat(pid, proc) if found else None
    table = _procfs.FdTable({fd: links[target] for fd, target in found.items()}, [], set())
    return Owner(pid, stat.start_time, stat.name, table, stat.state == "R") if stat else None


def by_inode(owners: Iterable[Owner]) -> dict[int, list[Holder]]:
    """Every holder of every socket inode."""
    index: dict[int, list[Holder]] = {}
    for owner in owners:
        for fd, inode in owner.table.sockets.items():
            index.setdefault(inode, []).append(Holder(owner.pid, owner.start_time, fd, owner.name))
    return index


def of_inodes(owners: Iterable[Owner], wanted: Collection[int]) -> dict[int, list[Holder]]:
    """Every holder of these socket inodes: with very many sockets an index of all of them is dear."""
    inodes = frozenset(wanted)
    return by_inode(
        owner._replace(table=owner.table._replace(sockets=_those(owner.table.sockets, inodes)))
        for owner in owners
        if not inodes.isdisjoint(owner.table.sockets.values())
    )


def _those(sockets: dict[int, int], inodes: frozenset[int]) -> dict[int, int]:
    return {fd: inode for fd, inode in sockets.items() if inode in inodes}


def protocol(holder: Holder, proc: str = "/proc") -> Optional[str]:
    """Name of the socket's protocol ("TCP", "TCPv6", "UNIX", …); None when the kernel does not tell."""
    try:
        raw = os.getxattr("%s/%d/fd/%d" % (proc, holder.pid, holder.fd), SOCKET_PROTOCOL)
    except OSError:
        return None
    return raw.rstrip(b"\0").decode("ascii", "replace")
