# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB and MySQL servers among the processes, and which process of this host is at the other end of a session."""

from __future__ import annotations

import struct
from typing import Iterable, Mapping

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _holders,
    _listening,
    _netns,
    _procfs,
    _sock_diag,
)

NAMES = frozenset(("mariadbd", "mysqld"))
_ENDED = "ZX"
_PORTS = struct.Struct("!4xHH")


def servers(proc: str = "/proc") -> list[_procfs.Stat]:
    """The server processes. Raises OSError when the processes cannot be listed."""
    stats = (_procfs.stat(pid, proc) for pid in _procfs.pids(proc))
    return [stat for stat in stats if stat and stat.name in NAMES and stat.state not in _ENDED]


def clients(place: _listening.Listening, ports: Iterable[int], proc: str = "/proc") -> dict[int, _holders.Holder]:
    """Who holds the other end of a session of that server: by the client's port, as far as it is in its namespace.

    Raises OSError when the sockets cannot be listed.
    """
    wanted, served = set(ports), {port for _address, port in place.tcp}
    if not wanted:
        return {}
    with _netns.entered(place.netns, proc):
        sock = _sock_diag.open_socket()
    with sock:
        inodes = client_inodes(_sock_diag.census(sock).by_inode, wanted, served)
    holders = _holders.by_inode(_holders.walk(_procfs.pids(proc), proc).owners)
    return {port: holders[inode][0] for port, inode in inodes.items() if inode in holders}


def client_inodes(by_inode: Mapping[int, bytes], wanted: set[int], served: set[int]) -> dict[int, int]:
    """Port -> inode of the established sockets from these ports to a served one; ``by_inode`` as in a census."""
    found: dict[int, int] = {}
    for inode, raw in by_inode.items():
        source, target = _PORTS.unpack_from(raw)
        if source in wanted and target in served and raw[1] == _sock_diag.ESTABLISHED:
            found[source] = inode
    return found
