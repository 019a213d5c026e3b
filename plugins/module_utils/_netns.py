# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces that have processes in them, and work inside one (network_namespaces(7), setns(2))."""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from typing import Iterable, Iterator, NamedTuple

CLONE_NEWNET = 0x40000000


class Namespace(NamedTuple):
    """``netns``: inode of the namespace; ``pid``: one member, as seen from here; ``processes``: how many were seen."""

    netns: int
    pid: int
    processes: int


def discover(pids: Iterable[int], proc: str = "/proc") -> tuple[list[Namespace], list[int]]:
    """Namespaces of these processes, each once, and the pids that could not be asked (no permission)."""
    first: dict[int, int] = {}
    count: dict[int, int] = {}
    denied: list[int] = []
    for pid in pids:
        try:
            netns = os.stat("%s/%d/ns/net" % (proc, pid)).st_ino
        except PermissionError:
            denied.append(pid)
            continue
        except OSError:
            continue
        first.setdefault(netns, pid)
        count[netns] = count.get(netns, 0) + 1
    return [Namespace(netns, first[netns], count[netns]) for netns in sorted(first)], denied


def own(proc: str = "/proc") -> int:
    """Inode of the network namespace of this process."""
    return os.stat("%s/self/ns/net" % proc).st_ino


@contextmanager
def entered(namespace: Namespace, proc: str = "/proc") -> Iterator[None]:
    """The calling thread is in that namespace inside the ``with`` block, and back afterwards.

    Raises OSError (EPERM without CAP_SYS_ADMIN, ENOENT when its member has gone, ESTALE when that is elsewhere now).
    """
    if namespace.netns == own(proc):
        yield
        return
    with open("%s/self/ns/net" % proc, "rb") as home, open("%s/%d/ns/net" % (proc, namespace.pid), "rb") as there:
        if os.fstat(there.fileno()).st_ino != namespace.netns:
            raise OSError(116, "process %d has moved to another namespace" % namespace.pid)
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def _setns(fd: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, "setns: %s" % os.strerror(code))
