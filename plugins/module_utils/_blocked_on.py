# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes do not get round to accepting connections, and what they wait for instead, sampled over a moment.

A thread that waits in a call that returns when a connection comes accepts it; where no thread does, nobody accepts.
"""

from __future__ import annotations

import os
import time
from typing import Callable, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _blocking_call,
    _epoll,
    _holders,
    _procfs,
)

SAMPLES = 20
EVERY_S = 0.05
MOST_THREADS = 32

#: States of one sample.
ACCEPTING = "accepting"
RUNNING = "running"
WAITING = "waiting"


class Candidate(NamedTuple):
    """A process that holds listening sockets: their inodes."""

    pid: int
    start_time: int
    name: str
    listeners: FrozenSet[int]


class Look(NamedTuple):
    """A thread in one sample. ``inode``: of the only socket it waits for; ``protocol``: of that, as sockfs names it."""

    tid: int
    call: str
    wchan: str
    inode: Optional[int]
    protocol: Optional[str]


class Sample(NamedTuple):
    """A process in one sample; ``looks``: its threads that wait, for :data:`WAITING` only."""

    state: str
    looks: List[Look]


class Followed(NamedTuple):
    """``samples``: as long as the process lived; ``error``: why it could not be looked into."""

    candidate: Candidate
    ppid: int
    threads: int
    samples: List[Sample]
    error: Optional[str]


def follow(candidates: Sequence[Candidate], seen: Callable[[Set[int]], None], proc: str = "/proc") -> List[Followed]:
    """Look :data:`SAMPLES` times at each. Processes that have ended, or are others by now, are left out.

    ``seen`` gets the inodes of the sockets waited for, each time while those who wait still do, or did just now.
    """
    if not candidates:
        return []
    epolls: Dict[Tuple[int, int], bool] = {}
    samples: Dict[int, List[Sample]] = {candidate.pid: [] for candidate in candidates}
    errors: Dict[int, str] = {}
    start = time.monotonic()
    for number in range(SAMPLES):
        time.sleep(max(0.0, start + number * EVERY_S - time.monotonic()))
        for candidate in candidates:
            if candidate.pid in errors:
                continue
            try:
                samples[candidate.pid] += _sample(candidate, epolls, proc)
            except PermissionError:
                errors[candidate.pid] = "permission denied"
            except OSError as exc:
                errors[candidate.pid] = str(exc.strerror or exc)
        seen({look.inode for rows in samples.values() for row in rows[-1:] for look in row.looks if look.inode})
    rows = [_followed(candidate, samples[candidate.pid], errors.get(candidate.pid), proc) for candidate in candidates]
    return [row for row in rows if row is not None]


def _followed(candidate: Candidate, samples: List[Sample], error: Optional[str], proc: str) -> Optional[Followed]:
    stat = _procfs.stat(candidate.pid, proc)
    if stat is None or stat.start_time != candidate.start_time:
        return None
    return Followed(candidate, stat.ppid, len(_tids(candidate.pid, proc)), samples, error)


def _sample(candidate: Candidate, epolls: Dict[Tuple[int, int], bool], proc: str) -> List[Sample]:
    """One sample, or none when the process has ended."""
    waits = []
    for tid in _tids(candidate.pid, proc)[:MOST_THREADS]:
        wait = _blocking_call.waits_for(candidate.pid, tid, proc)
        if wait is not None:
            waits.append((tid, wait))
    if not waits:
        return []
    if any(_accepts(candidate, wait, epolls, proc) for _tid, wait in waits):
        return [Sample(ACCEPTING, [])]
    if any(wait.call == _blocking_call.RUNNING for _tid, wait in waits):
        return [Sample(RUNNING, [])]
    return [Sample(WAITING, [_look(candidate.pid, tid, wait, proc) for tid, wait in waits])]


def _accepts(candidate: Candidate, wait: _blocking_call.Wait, epolls: Dict[Tuple[int, int], bool], proc: str) -> bool:
    """Whether the thread would take a connection that comes now."""
    if wait.call == "io_uring_enter":
        return True
    if wait.call in _blocking_call.OF_EPOLL and wait.fds:
        key = (candidate.pid, wait.fds[0])
        if key not in epolls:
            epolls[key] = _watches(candidate, wait.fds[0], proc)
        return epolls[key]
    if wait.call in ("accept", "accept4") or wait.call in _blocking_call.OF_POLL | _blocking_call.OF_SELECT:
        if wait.fds is None:
            return True
        return any(_inode(candidate.pid, fd, proc) in candidate.listeners for fd in wait.fds)
    return False


def _watches(candidate: Candidate, epoll_fd: int, proc: str) -> bool:
    entries = _epoll.parse(_procfs.fdinfo(candidate.pid, epoll_fd, proc))
    return any(entry.inode in candidate.listeners or entry.inode == _epoll.UNTOLD for entry in entries)


def _look(pid: int, tid: int, wait: _blocking_call.Wait, proc: str) -> Look:
    """Of several fds none is what it is blocked on: that is a loop that waits for whatever comes first."""
    of_one = wait.fds is not None and len(wait.fds) == 1 and wait.call not in _blocking_call.OF_EPOLL
    fd = wait.fds[0] if of_one and wait.fds else None
    inode = _inode(pid, fd, proc) if fd is not None else None
    protocol = _holders.protocol(_holders.Holder(pid, 0, fd, ""), proc) if fd is not None and inode else None
    return Look(tid, wait.call, wait.wchan, inode, protocol)


def _inode(pid: int, fd: int, proc: str) -> Optional[int]:
    return _procfs.socket_inode(_procfs.link(pid, fd, proc))


def _tids(pid: int, proc: str) -> List[int]:
    """The main thread first."""
    try:
        return sorted(map(int, os.listdir("%s/%d/task" % (proc, pid))), key=lambda tid: (tid != pid, tid))
    except (FileNotFoundError, ProcessLookupError):
        return []


def candidates(
    inodes: Iterable[int], holders: Mapping[int, List[_holders.Holder]], most: int
) -> Tuple[List[Candidate], int]:
    """The holders of these listening sockets, most pressing first, and how many more there are than ``most``."""
    found: Dict[Tuple[int, int], Candidate] = {}
    for inode in inodes:
        for holder in holders.get(inode, []):
            key = (holder.pid, holder.start_time)
            known = found.get(key, Candidate(holder.pid, holder.start_time, holder.name, frozenset()))
            found[key] = known._replace(listeners=known.listeners | {inode})
    rows = list(found.values())
    return rows[:most], max(0, len(rows) - most)
