# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Half-closed connections and who holds them, and nothing else: for looking often on hosts with very many sockets.

The kernel lists only what is in CLOSE_WAIT (inet_diag over netlink, in every network namespace that has processes), and
``/proc/PID/fd`` is only read where it lists something. What could not be read is an entry of ``errors``.
"""

from __future__ import annotations

from typing import List

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _close_wait_facts,
    _gc_pause,
    _holders,
    _netns,
    _procfs,
    _shared_walk,
    _sock_diag,
    _tcp_facts,
    _unread,
)


def collect(max_items: int, proc: str = "/proc") -> _tcp_facts.Fact:
    """The ``close_wait`` facts; never raises for what the kernel does not show. ``max_items`` caps every list."""
    with _gc_pause.paused():
        return _collect(max_items, proc)


def _collect(max_items: int, proc: str) -> _tcp_facts.Fact:
    errors: _unread.Errors = []
    pids = _procfs.pids(proc)
    namespaces, strangers = _netns.discover(pids, proc)
    listed, failed = _netns.each(namespaces, lambda namespace: _half_closed(namespace, proc))
    for namespace, exc in failed:
        _unread.failed(errors, "sock_diag in network namespace %d" % namespace.netns, exc)
    sockets = [placed for part in listed for placed in part]
    walk = _held(pids, [placed.tcp.inode for placed in sockets if placed.tcp.inode], proc)
    denied = sorted({*strangers, *walk.denied})
    _unread.denied(denied, errors, proc)
    facts = dict(_close_wait_facts.UNKNOWN)
    if listed:
        facts = _close_wait_facts.counted(sockets, _holders.by_inode(walk.owners), max_items)
        for row in facts["by_process"]:
            row["fd_limit"] = _procfs.fd_limit(row["pid"], proc)
    return {"errors": errors, "unreadable": _unread.unreadable(denied, max_items, proc), **facts}


def _held(pids: List[int], inodes: List[int], proc: str) -> _holders.Walk:
    if not inodes:
        return _holders.Walk([], [])
    with _shared_walk.search_of(pids, inodes, proc) as walking:
        return walking.finish()


def _half_closed(namespace: _netns.Namespace, proc: str) -> List[_tcp_facts.Placed]:
    with _netns.entered(namespace, proc):
        sock = _sock_diag.open_socket()
    with sock:
        found = _sock_diag.in_state(sock, _sock_diag.CLOSE_WAIT)
    return [_tcp_facts.Placed(namespace.netns, tcp) for tcp in found]
