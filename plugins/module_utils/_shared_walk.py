# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk over all fd tables, shared among the CPUs at hand: on hosts with very many fds it is what takes the time.

Worker processes take batches of pids from one pipe, so that nobody waits while another has much left; the caller does
something else meanwhile and then helps. What a worker did not bring back is walked again.
"""

from __future__ import annotations

import contextlib
import marshal
import os
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _holders, _procfs

#: From so many open files on it pays to start processes.
MANY_FDS = 10000
#: The same where the kernel does not count open files (before Linux 6.2).
MANY_PROCESSES = 400
MOST_WORKERS = 3
#: A batch is one byte in the pipe.
MOST_BATCHES = 255

#: Of marshal: pid, start time, name, running, sockets, epolls, others.
_Row = Tuple[int, int, str, bool, Dict[int, int], List[int], List[int]]
_Batch = Tuple[List[_Row], List[int]]
Walk = Callable[[Sequence[int]], _holders.Walk]


class _Worker(NamedTuple):
    """Its process, and where its results come from."""

    pid: int
    results: int


class SharedWalk:
    """A walk that has begun; to be used in a ``with`` statement."""

    def __init__(self, pids: Sequence[int], workers: int, walk: Walk) -> None:
        """``walk``: looks at some of the pids. Without workers :meth:`finish` does all of it, and there is no pipe."""
        self._walk = walk
        size = max(1, -(-len(pids) // MOST_BATCHES))
        self._batches = [pids[start : start + size] for start in range(0, len(pids), size)]
        self._queue = _queue(len(self._batches)) if workers else None
        self._workers: List[_Worker] = []
        for _turn in range(workers):
            self._workers.append(self._start())

    def __enter__(self) -> SharedWalk:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._queue is not None:
            os.close(self._queue)
        for worker in self._workers:
            os.close(worker.results)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(worker.pid, 0)

    def finish(self) -> _holders.Walk:
        """Help, and put together what all have found, in order of the pids."""
        done = self._work()
        for worker in self._workers:
            done.update(_received(worker.results))
        for number, batch in enumerate(self._batches):
            if number not in done:
                done[number] = self._walked(batch)
        batches = [done[number] for number in range(len(self._batches))]
        owners = [_owner(row) for rows, _denied in batches for row in rows]
        return _holders.Walk(owners, [pid for _rows, denied in batches for pid in denied])

    def _start(self) -> _Worker:
        results, sink = os.pipe()
        pid = os.fork()
        if pid:
            os.close(sink)
            return _Worker(pid, results)
        status = 1
        try:
            os.close(results)
            with open(sink, "wb") as stream:
                marshal.dump(self._work(), stream)
            status = 0
        finally:
            # Nothing of the caller's is to happen twice: buffers, handlers, what it would clean up.
            os._exit(status)

    def _walked(self, pids: Sequence[int]) -> _Batch:
        walk = self._walk(pids)
        return [_row(owner) for owner in walk.owners], walk.denied

    def _work(self) -> Dict[int, _Batch]:
        done: Dict[int, _Batch] = {}
        for number in _taken(self._queue) if self._queue is not None else ():
            done[number] = self._walked(self._batches[number])
        return done


def walk_of(pids: Sequence[int], proc: str = "/proc") -> SharedWalk:
    """The walk over these processes, with as many workers as it is worth."""
    return SharedWalk(pids, workers(pids, proc), lambda some: _holders.walk(some, proc))


def search_of(pids: Sequence[int], inodes: Iterable[int], proc: str = "/proc") -> SharedWalk:
    """The same, for those that hold one of these sockets; see :func:`_holders.search`."""
    links = _holders.links_to(inodes)
    return SharedWalk(pids, workers(pids, proc), lambda some: _holders.search(some, links, proc))


def workers(pids: Sequence[int], proc: str = "/proc") -> int:
    """None where there is little to do or no other CPU."""
    cpus = len(os.sched_getaffinity(0))
    fds = _open_files(pids, proc)
    many = fds >= MANY_FDS if fds else len(pids) >= MANY_PROCESSES
    return min(MOST_WORKERS, cpus - 1) if many else 0


def _open_files(pids: Sequence[int], proc: str) -> int:
    """The size of the folder is their number, since Linux 6.2; before it is 0."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += os.stat("%s/%d/fd" % (proc, pid)).st_size
    return total


def _queue(batches: int) -> int:
    """A pipe to take the numbers of the batches from, one byte each; then it is at its end."""
    queue, filling = os.pipe()
    os.write(filling, bytes(range(batches)))
    os.close(filling)
    return queue


def _taken(queue: int) -> Iterator[int]:
    while True:
        number = os.read(queue, 1)
        if not number:
            return
        yield number[0]


def _row(owner: _holders.Owner) -> _Row:
    table = owner.table
    return owner.pid, owner.start_time, owner.name, owner.running, table.sockets, table.epolls, list(table.others)


def _owner(row: _Row) -> _holders.Owner:
    pid, start_time, name, running, sockets, epolls, others = row
    return _holders.Owner(pid, start_time, name, _procfs.FdTable(sockets, epolls, set(others)), running)


def _received(results: int) -> Dict[int, _Batch]:
    """Nothing of a worker that ended early."""
    found: Optional[Dict[int, _Batch]] = None
    with contextlib.suppress(EOFError, ValueError, TypeError), open(results, "rb", closefd=False) as stream:
        # Read first: load() asks the stream for every single number.
        found = marshal.loads(stream.read())  # noqa: S302 - from a child of ours
    return found or {}
