# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis and Valkey servers among the processes, and where they listen."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterable, Iterator, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _netns, _procfs, _sock_diag
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError

NAMES = frozenset(("redis-server", "valkey-server"))
_LISTEN = 10
_ENDED = "ZX"
_SO_ACCEPTCON = 0x10000


class Listening(NamedTuple):
    """Where one server process takes connections: TCP addresses as bound, and paths of unix sockets."""

    netns: _netns.Namespace
    tcp: list[tuple[str, int]]
    unix: list[str]


def servers(proc: str = "/proc") -> list[_procfs.Stat]:
    """The server processes. Not the children that one forks to save its data: they bear its name and answer nobody."""
    stats = (server_with_pid(pid, proc) for pid in _procfs.pids(proc))
    named = {stat.pid: stat for stat in stats if stat}
    return [stat for stat in named.values() if stat.ppid not in named]


def listening(pid: int, proc: str = "/proc") -> Listening:
    """Raises PermissionError without root, FileNotFoundError or ProcessLookupError when the process has just ended."""
    namespace = _namespace(pid, proc)
    inodes = set(_procfs.fd_table(pid, proc).sockets.values())
    with _netns.entered(namespace, proc):
        sock = _sock_diag.open_socket()
    with sock:
        tcp = sorted(found.local for found in _sock_diag.in_state(sock, _LISTEN) if found.inode in inodes)
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


def server_with_pid(pid: int, proc: str = "/proc") -> Optional[_procfs.Stat]:
    """The server process with this pid here; None when that is no server, as for a pid counted in another namespace."""
    stat = _procfs.stat(pid, proc)
    return stat if stat and stat.name in NAMES and stat.state not in _ENDED else None


def reads(pid: int, path: str, proc: str = "/proc") -> bool:
    """Whether that pid is a server here, with this very file under this path. Raises PermissionError without root."""
    if server_with_pid(pid, proc) is None:
        return False
    try:
        return os.path.samefile(reachable(pid, path, proc), path)
    except FileNotFoundError:
        return False


@contextmanager
def beside(pid: Optional[int], proc: str = "/proc") -> Iterator[None]:
    """In the network namespace of that server inside the ``with`` block; without a pid just where we are.

    Raises RedisError (``gone``) when no server has this pid, and OSError when its namespace cannot be entered.
    """
    if pid is None:
        yield
        return
    if server_with_pid(pid, proc) is None:
        raise RedisError("gone", "process %d is no Redis server (any more)" % pid)
    with _netns.entered(_namespace(pid, proc), proc):
        yield


def pid_in_own_namespace(pid: int, proc: str = "/proc") -> int:
    """What the process itself takes for its pid (``NSpid`` of proc_pid_status(5), Linux 4.1)."""
    return int(_procfs.status(pid, proc).get("NSpid", str(pid)).split()[-1])


def reachable(pid: int, path: str, proc: str = "/proc") -> str:
    """A path by which we reach what the process calls ``path``, whatever mount namespace or root it has."""
    return "%s/%d/root%s" % (proc, pid, path)


def _namespace(pid: int, proc: str) -> _netns.Namespace:
    return _netns.Namespace(os.stat("%s/%d/ns/net" % (proc, pid)).st_ino, [pid])
