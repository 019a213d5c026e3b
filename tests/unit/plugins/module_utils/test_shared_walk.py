# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk in several processes finds what the walk in one finds, whatever becomes of the workers."""

from __future__ import annotations

import marshal
import os
import socket
from pathlib import Path
from typing import List, Sequence

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _holders, _shared_walk, _sleepers
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    running,
    stat_line,
    tree,
    wait_until,
)

PIDS = list(range(100, 160))


@pytest.fixture
def proc(tmp_path: Path) -> str:
    """Sixty processes with a socket, an epoll instance and a file each, but for one that holds nothing of the kind."""
    links = {"0": "/dev/null", "3": "anon_inode:[eventpoll]"}
    return tree(
        tmp_path,
        {
            pid: {"stat": stat_line(pid, "a (b) %d" % pid), "fd": {**links, "7": "socket:[%d]" % (9000 + pid)}}
            if pid != 130
            else {"stat": stat_line(pid, "x"), "fd": {"0": "/dev/null"}}
            for pid in PIDS
        },
    )


def walk_in(proc: str) -> _shared_walk.Walk:
    return lambda pids: _holders.walk(pids, proc)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_it_finds_the_same_in_the_same_order(proc: str, workers: int) -> None:
    with _shared_walk.SharedWalk([*PIDS, 999], workers, walk_in(proc)) as walking:
        walk = walking.finish()
    assert walk == _holders.walk(PIDS, proc)
    assert len(walk.owners) == len(PIDS) - 1


def test_a_search_finds_the_holders_of_these_sockets_alone(proc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_shared_walk, "workers", lambda _pids, _proc: 2)
    with _shared_walk.search_of(PIDS, [9105, 9140, 4], proc) as walking:
        walk = walking.finish()
    assert [(owner.pid, owner.table.sockets, owner.table.epolls) for owner in walk.owners] == [
        (105, {7: 9105}, []),
        (140, {7: 9140}, []),
    ]
    assert sorted(_holders.by_inode(walk.owners)) == [9105, 9140]


def _children() -> List[int]:
    text = Path("/proc/self/task/%d/children" % os.getpid()).read_text()
    return [int(word) for word in text.split()]


def test_nothing_is_left_behind(proc: str) -> None:
    before, fds = _children(), set(os.listdir("/proc/self/fd"))
    with _shared_walk.SharedWalk(PIDS, 2, walk_in(proc)) as walking:
        walking.finish()
    assert (_children(), set(os.listdir("/proc/self/fd"))) == (before, fds)
    with _shared_walk.SharedWalk(PIDS, 2, walk_in(proc)):
        pass
    assert (_children(), set(os.listdir("/proc/self/fd"))) == (before, fds)


def test_what_a_worker_does_not_bring_back_is_walked_again(proc: str) -> None:
    """The workers take every batch, and end without a word."""
    me = os.getpid()

    def ends_in_a_worker(pids: Sequence[int]) -> _holders.Walk:
        if os.getpid() != me:
            os._exit(3)
        return _holders.walk(pids, proc)

    with _shared_walk.SharedWalk(PIDS, 2, ends_in_a_worker) as walking:
        assert walking.finish() == _holders.walk(PIDS, proc)


@pytest.mark.parametrize("cut", [0, 1, 9, 10_000])
def test_of_results_that_were_cut_off_nothing_is_taken(proc: str, cut: int) -> None:
    owners = _holders.walk(PIDS[:2], proc).owners
    whole = marshal.dumps({0: ([_shared_walk._row(owner) for owner in owners], [])})
    results, sink = os.pipe()
    with open(results, "rb"), open(sink, "wb") as stream:
        stream.write(whole[: max(0, len(whole) - cut)])
        stream.close()
        found = _shared_walk._received(results)
    assert [_shared_walk._owner(row) for rows, _denied in found.values() for row in rows] == ([] if cut else owners)


def test_who_may_not_be_looked_into_is_denied(proc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner_of = _holders.owner_of

    def forbidding(pid: int, root: str = "/proc") -> object:
        if pid == 140:
            raise PermissionError(13, "Permission denied")
        return owner_of(pid, root)

    monkeypatch.setattr(_holders, "owner_of", forbidding)
    with _shared_walk.SharedWalk(PIDS, 2, walk_in(proc)) as walking:
        walk = walking.finish()
    assert walk.denied == [140]
    assert len(walk.owners) == len(PIDS) - 2


def test_workers_are_for_many_open_files_and_several_cpus(proc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3, 4, 5})
    monkeypatch.setattr(_shared_walk, "_open_files", lambda _pids, _proc: 9999)
    assert _shared_walk.workers(PIDS, proc) == 0
    monkeypatch.setattr(_shared_walk, "_open_files", lambda _pids, _proc: 10000)
    assert _shared_walk.workers(PIDS, proc) == 3
    monkeypatch.setattr(_shared_walk, "_open_files", lambda _pids, _proc: 0)
    assert (_shared_walk.workers(PIDS, proc), _shared_walk.workers(range(400), proc)) == (0, 3)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0})
    assert _shared_walk.workers(range(400), proc) == 0


WAITS = "import socket, sys; s = socket.socket(); print('ready'); sys.stdin.read()"
SPINS = "import socket; s = socket.socket(); print('ready')\nwhile True: pass"


def sleeps(pid: int) -> bool:
    return Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0] == "S"


def test_who_sleeps_is_told_from_who_runs() -> None:
    with running(WAITS) as waiting, running(SPINS) as spinning:
        wait_until(lambda: sleeps(waiting.pid))
        look = _sleepers.Look([waiting.pid, spinning.pid])
        owners = _holders.walk([waiting.pid, spinning.pid]).owners
        awake, asleep = look.split(owners, frozenset())
        assert [owner.pid for owner in awake] == [spinning.pid]
        assert asleep == 1
        assert len(_sleepers.Look([waiting.pid]).split(owners[:1], frozenset([waiting.pid]))[0]) == 1


def test_who_was_not_there_at_the_beginning_counts_as_awake() -> None:
    with socket.socket():
        owners = _holders.walk([os.getpid()]).owners
        assert _sleepers.Look([]).split(owners, frozenset()) == (owners, 0)


def test_numbers_of_another_pid_namespace_tell_nothing(tmp_path: Path) -> None:
    with running(WAITS) as waiting:
        wait_until(lambda: sleeps(waiting.pid))
        owners = _holders.walk([waiting.pid]).owners
        for number in (os.getpid(), 1 if os.getpid() != 1 else 2):
            (tmp_path / str(number)).mkdir()
            (tmp_path / str(number) / "self").symlink_to(str(number))
        ours = _sleepers.Look([waiting.pid], str(tmp_path / str(os.getpid())))
        theirs = _sleepers.Look([waiting.pid], str(tmp_path / ("1" if os.getpid() != 1 else "2")))
        assert len(ours.split(owners, frozenset())[0]) == 0
        assert len(theirs.split(owners, frozenset())[0]) == 1
