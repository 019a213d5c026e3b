# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections of one process to one peer, with everybody who holds them: inet_diag, ``/proc/PID/fd``, fdinfo."""

from __future__ import annotations

import os
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _epoll,
    _holders,
    _netns,
    _procfs,
    _sock_diag,
)

ESTABLISHED = 1
_ENDED = "ZX"


class Connection(NamedTuple):
    """``others``: pids of further processes that hold it. ``watched``: an epoll set of the process reports its end."""

    address: str
    port: int
    cookie: str
    watched: bool
    others: list[int]


class Look(NamedTuple):
    """``unreadable``: descendants of the process whose open files could not be read, and so may hold a connection."""

    alive: bool
    open: list[Connection]
    half_closed: list[Connection]
    unreadable: list[int]


class _Table(NamedTuple):
    """What has to be known of a process to place its sockets."""

    pid: int
    inodes: frozenset[int]
    watched: frozenset[int]
    holders: dict[int, list[_holders.Holder]]


def look(pid: int, start_time: int, peer: tuple[str, int], proc: str = "/proc") -> Look:
    """Everything at this moment. Raises OSError when the kernel does not show it (needs root)."""
    if not _lives(pid, start_time, proc):
        return Look(False, [], [], [])
    walk = _holders.walk(_procfs.pids(proc), proc)
    owner = _holders.owner_of(pid, proc)
    if owner is None or owner.start_time != start_time:
        return Look(_lives(pid, start_time, proc), [], [], [])
    table = _Table(pid, frozenset(owner.table.sockets.values()), _watched(owner, proc), _holders.by_inode(walk.owners))
    states = {state: _towards(pid, state, peer, proc) for state in (ESTABLISHED, _sock_diag.CLOSE_WAIT)}
    return Look(
        True,
        _placed(states[ESTABLISHED], table),
        _placed(states[_sock_diag.CLOSE_WAIT], table),
        [denied for denied in walk.denied if pid in _procfs.ancestors(denied, proc)],
    )


def _lives(pid: int, start_time: int, proc: str) -> bool:
    stat: Optional[_procfs.Stat] = _procfs.stat(pid, proc)
    return stat is not None and stat.start_time == start_time and stat.state not in _ENDED


def _watched(owner: _holders.Owner, proc: str) -> frozenset[int]:
    """Inodes that ``epoll_wait`` reports for ever once their peer has closed."""
    entries = [
        entry for epoll_fd in owner.table.epolls for entry in _epoll.parse(_procfs.fdinfo(owner.pid, epoll_fd, proc))
    ]
    return frozenset(
        entry.inode
        for entry in entries
        if _epoll.level_triggered(entry.events)
        and entry.events & _epoll.READABLE
        and owner.table.sockets.get(entry.fd) == entry.inode
    )


def _towards(pid: int, state: int, peer: tuple[str, int], proc: str) -> list[_sock_diag.TcpSocket]:
    """Sockets of the process's network namespace that lead to this peer."""
    namespace = _netns.Namespace(os.stat("%s/%d/ns/net" % (proc, pid)).st_ino, [pid])
    with _netns.entered(namespace, proc):
        channel = _sock_diag.open_socket()
    with channel:
        return [tcp for tcp in _sock_diag.in_state(channel, state) if tcp.remote == peer]


def _placed(sockets: list[_sock_diag.TcpSocket], table: _Table) -> list[Connection]:
    return [
        Connection(
            address=tcp.local[0],
            port=tcp.local[1],
            cookie="%016x" % tcp.cookie,
            watched=tcp.inode in table.watched,
            others=sorted({holder.pid for holder in table.holders.get(tcp.inode, [])} - {table.pid}),
        )
        for tcp in sockets
        if tcp.inode in table.inodes
    ]
