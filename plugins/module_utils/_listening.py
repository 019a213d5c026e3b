# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a server process takes connections, and how to reach it there."""

from __future__ import annotations

import os
from typing import Iterable, NamedTuple

from ansible_collections.closewait.remediation.plugins.module_utils import _netns, _procfs, _sock_diag

_SO_ACCEPTCON = 0x10000


class Listening(NamedTuple):
    """Where one server process takes connections: TCP addresses as bound, and paths of unix sockets."""

    netns: _netns.Namespace
    tcp: list[tuple[str, int]]
    unix: list[str]


def listening(pid: int, proc: str = "/proc") -> Listening:
    """Raises PermissionError without root, FileNotFoundError or ProcessLookupError when the process has just ended."""
    namespace = namespace_of(pid, proc)
    inodes = set(_procfs.fd_table(pid, proc).sockets.values())
    with _netns.entered(namespace, proc):
        sock = _sock_diag.open_socket()
    with sock:
        tcp = sorted(found.local for found in _sock_diag.in_state(sock, _sock_diag.LISTEN) if found.inode in inodes)
    # The kernel shows the table of the process's own network namespace here.
    with open("%s/%d/net/unix" % (proc, pid), encoding="utf-8", errors="surrogateescape") as table:
        return Listening(namespace, tcp, unix_listeners(table, inodes))


def unix_listeners(table: Iterable[str], inodes: set[int]) -> list[str]:
    """Paths of the listening sockets with these inodes in ``/proc/net/unix``, without abstract ones."""
    found: set[str] = set()
    for line in table:
        fields = line.rstrip("\n").split(None, 7)
        if len(fields) < 8 or not fields[7].startswith("/"):
            continue
        if int(fields[3], 16) & _SO_ACCEPTCON and int(fields[6]) in inodes:
            found.add(fields[7])
    return sorted(found)


def reachable(pid: int, path: str, proc: str = "/proc") -> str:
    """A path by which we reach what the process calls ``path``, whatever mount namespace or root it has."""
    return "%s/%d/root%s" % (proc, pid, path)


def namespace_of(pid: int, proc: str = "/proc") -> _netns.Namespace:
    """The network namespace of a process. Raises OSError."""
    return _netns.Namespace(os.stat("%s/%d/ns/net" % (proc, pid)).st_ino, [pid])
