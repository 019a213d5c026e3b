# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis and Valkey servers among the processes."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _listening, _netns, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError

NAMES = frozenset(("redis-server", "valkey-server"))
_ENDED = "ZX"


def servers(proc: str = "/proc") -> list[_procfs.Stat]:
    """The server processes. Not the children that one forks to save its data: they bear its name and answer nobody."""
    stats = (server_with_pid(pid, proc) for pid in _procfs.pids(proc))
    named = {stat.pid: stat for stat in stats if stat}
    return [stat for stat in named.values() if stat.ppid not in named]


def server_with_pid(pid: int, proc: str = "/proc") -> Optional[_procfs.Stat]:
    """The server process with this pid here; None when that is no server, as for a pid counted in another namespace."""
    stat = _procfs.stat(pid, proc)
    return stat if stat and stat.name in NAMES and stat.state not in _ENDED else None


def reads(pid: int, path: str, proc: str = "/proc") -> bool:
    """Whether that pid is a server here, with this very file under this path. Raises PermissionError without root."""
    if server_with_pid(pid, proc) is None:
        return False
    try:
        return os.path.samefile(_listening.reachable(pid, path, proc), path)
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
    with _netns.entered(_listening.namespace_of(pid, proc), proc):
        yield


def pid_in_own_namespace(pid: int, proc: str = "/proc") -> int:
    """What the process itself takes for its pid (``NSpid`` of proc_pid_status(5), Linux 4.1)."""
    return int(_procfs.status(pid, proc).get("NSpid", str(pid)).split()[-1])
