# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows the busiest processes through the sub-windows of a CPU window: called at the end of each, it sleeps never."""

from __future__ import annotations

import errno
import os
from typing import Dict, FrozenSet, List, Mapping, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_sampling, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._perf import (
    process_calls,
    syscall_numbers,
    tracepoint,
)
from ansible_collections.closewait.remediation.plugins.module_utils._progress import (
    connections,
    transfer,
    written_files,
)

Key = _cpu_sampling.Key
#: How many processes are followed: a host has few CPUs to be busy on.
MOST_PROCESSES = 32
#: With more sockets than this the fds are read but once, as reading them takes its time.
MANY_SOCKETS = 2000
_ELF64 = b"\x7fELF\x02"
_NO_RIGHT = (errno.EPERM, errno.EACCES)


class Followed:
    """What was seen of one process; ``trouble``: source to reason, for what could not be read."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.transfers: List[transfer.Transfer] = []
        self.calls: List[process_calls.Look] = []
        self.sockets: List[FrozenSet[int]] = []
        self.files: List[Dict[int, written_files.WrittenFile]] = []
        self.missing: List[written_files.MissingFolder] = []
        self.connections: Optional[connections.Connections] = None
        self.tids: List[int] = []
        self.trouble: Dict[str, str] = {}


class Watch:
    """``attend`` fits :func:`_cpu_sampling.follow`; ``finish`` takes the last look and gives up what was opened."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._counting: Dict[Key, process_calls.ProcessCalls] = {}
        self.followed: Dict[Key, Followed] = {}
        self.omitted = 0

    def attend(self, busy: Sequence[Key]) -> None:
        """The first time: begin with the busiest of these. Then: look at them again."""
        if not self.followed:
            self.omitted = max(0, len(busy) - MOST_PROCESSES)
            self.followed = {key: Followed(key) for key in busy[:MOST_PROCESSES]}
            self._begin_counting()
        else:
            for key, counting in self._counting.items():
                self.followed[key].calls.append(counting.look())
        for one in self.followed.values():
            self._look(one)

    def finish(self) -> List[Followed]:
        """Those that lived until the end, with what is asked but once."""
        for counting in self._counting.values():
            counting.close()
        self._counting = {}
        alive = [one for one in self.followed.values() if self._lives(one.key)]
        for one in alive:
            self._look_at_files(one)
            self._look_at_connections(one)
        return alive

    def _lives(self, key: Key) -> bool:
        stat = _procfs.stat(key.pid, self._proc)
        return stat is not None and stat.start_time == key.start_time

    def _begin_counting(self) -> None:
        if not self.followed:
            return
        table = syscall_numbers.numbers()
        try:
            number = tracepoint.sys_exit() if table and self._proc == "/proc" else None
        except OSError as exc:
            self._no_calls(list(self.followed), _reason(exc))
            return
        if table is None or number is None:
            self._no_calls(list(self.followed), "the numbers of this machine's system calls are not known")
            return
        for key in self.followed:
            try:
                self._count(key, table, number)
            except OSError as exc:
                self._no_calls([key], _reason(exc))

    def _count(self, key: Key, table: Mapping[str, int], number: int) -> None:
        if not _is_64_bit(key.pid, self._proc):
            self._no_calls([key], "it is a 32-bit program, whose system calls have other numbers")
            return
        tids = sorted(_cpu_sampling.threads(key.pid, self._proc).items(), key=lambda item: item[1].state != "R")
        chosen = [tid for tid, _thread in tids[: process_calls.MOST_THREADS]]
        counting = process_calls.ProcessCalls(number, table, chosen)
        if not self._lives(key):
            counting.close()
            return
        self.followed[key].tids = chosen
        self._counting[key] = counting

    def _no_calls(self, keys: Sequence[Key], reason: str) -> None:
        for key in keys:
            self.followed[key].trouble["system calls"] = reason

    def _look(self, one: Followed) -> None:
        pid = one.key.pid
        try:
            one.transfers.append(transfer.of(pid, self._proc))
            if one.sockets and len(one.sockets[0]) > MANY_SOCKETS:
                return
            table = _procfs.fd_table(pid, self._proc)
        except OSError as exc:
            one.trouble["/proc/%d" % pid] = _reason(exc)
            return
        one.sockets.append(frozenset(table.sockets.values()))
        if not one.files:
            one.files.append(self._files(one, sorted(table.others)))

    def _files(self, one: Followed, fds: Sequence[int]) -> Dict[int, written_files.WrittenFile]:
        try:
            return written_files.open_for_writing(one.key.pid, fds, self._proc)
        except OSError as exc:
            one.trouble["open files of %d" % one.key.pid] = _reason(exc)
            return {}

    def _look_at_files(self, one: Followed) -> None:
        if one.files:
            one.files.append(self._files(one, sorted(one.files[0])))
        try:
            one.missing = written_files.missing_folders(one.key.pid, self._proc)
        except OSError as exc:
            one.trouble["command line of %d" % one.key.pid] = _reason(exc)

    def _look_at_connections(self, one: Followed) -> None:
        if not one.sockets or not one.sockets[-1]:
            return
        try:
            one.connections = connections.of(one.key.pid, one.sockets[-1], self._proc)
        except OSError as exc:
            one.trouble["sockets of %d" % one.key.pid] = _reason(exc)


def _is_64_bit(pid: int, proc: str) -> bool:
    with open("%s/%d/exe" % (proc, pid), "rb") as image:
        return image.read(len(_ELF64)) == _ELF64


def _reason(exc: OSError) -> str:
    if exc.errno in _NO_RIGHT:
        return "permission denied%s" % ("; run it as root (become: true)" if os.geteuid() else "")
    return str(exc.strerror or exc)
