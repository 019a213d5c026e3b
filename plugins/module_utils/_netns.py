# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces that have processes in them, and work inside one (network_namespaces(7), setns(2))."""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import contextmanager
from typing import IO, Callable, Iterable, Iterator, List, NamedTuple, Optional, Tuple, TypeVar

CLONE_NEWNET = 0x40000000


class Namespace(NamedTuple):
    """``netns``: inode of the namespace; ``pids``: its members, as seen from here."""

    netns: int
    pids: List[int]


T = TypeVar("T")
#: A namespace that could not be asked, and why.
Failure = Tuple[Namespace, OSError]


class DesertedError(OSError):
    """All processes that were in the namespace have ended since: there is nothing left to look at."""


def discover(pids: Iterable[int], proc: str = "/proc") -> tuple[list[Namespace], list[int]]:
    """Namespaces of these processes, each once, and the pids that could not be asked (no permission)."""
    members: dict[int, list[int]] = {}
    denied: list[int] = []
    for pid in pids:
        try:
            netns = os.stat("%s/%d/ns/net" % (proc, pid)).st_ino
        except PermissionError:
            denied.append(pid)
            continue
        except OSError:
            continue
        members.setdefault(netns, []).append(pid)
    return [Namespace(netns, members[netns]) for netns in sorted(members)], denied


def each(namespaces: Iterable[Namespace], ask: Callable[[Namespace], T]) -> Tuple[List[T], List[Failure]]:
    """The answers, and where none was to be had; one whose processes have all ended since has nothing to tell."""
    answers: List[T] = []
    failed: List[Failure] = []
    for namespace in namespaces:
        try:
            answers.append(ask(namespace))
        except DesertedError:
            continue
        except OSError as exc:
            failed.append((namespace, exc))
    return answers, failed


def by_pid(namespaces: Iterable[Namespace]) -> dict[int, int]:
    """Inode of the namespace of each member."""
    return {pid: namespace.netns for namespace in namespaces for pid in namespace.pids}


def own(proc: str = "/proc") -> int:
    """Inode of the network namespace of this process."""
    return os.stat("%s/self/ns/net" % proc).st_ino


@contextmanager
def entered(namespace: Namespace, proc: str = "/proc") -> Iterator[None]:
    """The calling thread is in that namespace inside the ``with`` block, and back afterwards.

    Raises OSError (EPERM without CAP_SYS_ADMIN), :class:`DesertedError` when none of its members is there any more.
    """
    if namespace.netns == own(proc):
        yield
        return
    with open("%s/self/ns/net" % proc, "rb") as home, _door(namespace, proc) as there:
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def is_deserted(namespace: Namespace, proc: str = "/proc") -> bool:
    """Whether none of its members is in it any more; False where that cannot be seen."""
    try:
        _door(namespace, proc).close()
    except DesertedError:
        return True
    except OSError:
        return False
    return False


def _door(namespace: Namespace, proc: str) -> IO[bytes]:
    """The namespace, opened through the first member that is still in it."""
    for pid in namespace.pids:
        stream = _open(pid, proc)
        if stream is None:
            continue
        if os.fstat(stream.fileno()).st_ino == namespace.netns:
            return stream
        stream.close()
    raise DesertedError(errno.ENOENT, "network namespace %d has no process any more" % namespace.netns)


def _open(pid: int, proc: str) -> Optional[IO[bytes]]:
    try:
        return open("%s/%d/ns/net" % (proc, pid), "rb")
    except (FileNotFoundError, ProcessLookupError):
        return None


def _setns(fd: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, "setns: %s" % os.strerror(code))
