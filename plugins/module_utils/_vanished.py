# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP sockets that no listing shows any more, while their fd is still open: a reset, or a keepalive without answer.

The kernel takes such a socket out of its tables, so inet_diag and /proc/net are silent about it, but the socket itself
still knows both of its ends (SO_PEERNAME of a copy, see :mod:`_socket_probe`).
"""

from __future__ import annotations

import errno
import os
from typing import Collection, Dict, Iterable, Iterator, List, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _fd_copy, _holders, _socket_probe, _watchers

_GONE = (errno.EBADF, errno.ESRCH, errno.ENOENT)


class Vanished(NamedTuple):
    """One such socket. ``past`` None: it could not be asked, so it may as well be one that was never connected."""

    inode: int
    holders: List[_holders.Holder]
    past: Optional[_socket_probe.Past]


def find(owners: Iterable[_holders.Owner], listed: Collection[int], proc: str = "/proc") -> list[Vanished]:
    """Those of these processes. ``listed``: inodes of all TCP sockets; one opened since says itself that it is open."""
    sources: Dict[int, Optional[_fd_copy.Source]] = {}
    try:
        return [*_found(_unlisted(owners, listed, proc), sources, proc)]
    finally:
        for source in sources.values():
            if source is not None:
                source.close()


def _unlisted(owners: Iterable[_holders.Owner], listed: Collection[int], proc: str) -> dict[int, list[_holders.Holder]]:
    index: dict[int, list[_holders.Holder]] = {}
    for owner in owners:
        # Nearly all are listed, and must cost next to nothing here.
        unlisted = set(owner.table.sockets.values()).difference(listed)
        for fd, inode in owner.table.sockets.items() if unlisted else ():
            if inode not in unlisted:
                continue
            holder = _holders.Holder(owner.pid, owner.start_time, fd, owner.name)
            if inode in index or _holders.protocol(holder, proc) in _watchers.TCP:
                index.setdefault(inode, []).append(holder)
    return index


def _found(
    index: dict[int, list[_holders.Holder]], sources: Dict[int, Optional[_fd_copy.Source]], proc: str
) -> Iterator[Vanished]:
    for inode, holders in index.items():
        first = holders[0]
        if first.pid not in sources:
            # Pids of another tree than the real one are no processes that could be asked.
            sources[first.pid] = _fd_copy.source(first.pid) if proc == "/proc" else None
        source = sources[first.pid]
        if source is None:
            yield Vanished(inode, holders, None)
            continue
        try:
            with source.copy(first.fd) as copy:
                past = _socket_probe.past(copy) if os.fstat(copy).st_ino == inode else None
        except OSError as exc:
            if exc.errno not in _GONE:
                yield Vanished(inode, holders, None)
            continue
        if past is not None:
            yield Vanished(inode, holders, past)
