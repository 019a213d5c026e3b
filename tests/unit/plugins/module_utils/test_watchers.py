# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registrations that can make a loop spin: which are suspect, and real ones, ghosts included."""

from __future__ import annotations

import os
import select
import socket
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _holders, _procfs, _sock_diag, _watchers
from ansible_collections.closewait.remediation.plugins.module_utils._watchers import GHOST, REGISTERED, Watcher
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    connection,
    forked,
    half_closed,
    inode,
    reset,
    stat_line,
    tree,
)

OWNER = _holders.Owner(70, 5, "x", _procfs.FdTable({}, [], set()), running=False)


def _watcher(kind: str, state: Optional[str], events: int) -> Watcher:
    return Watcher(OWNER, 3, 12, events, 900, kind, state)


IN, OUT, RDHUP, PRI, ET, ONESHOT = 0x1, 0x4, 0x2000, 0x2, 1 << 31, 1 << 30


@pytest.mark.parametrize(
    ("kind", "state", "events", "expected"),
    [
        (REGISTERED, "CLOSE_WAIT", IN | 0x18, True),
        (REGISTERED, "CLOSE_WAIT", OUT | 0x18, True),
        (REGISTERED, "CLOSE_WAIT", RDHUP, True),
        (REGISTERED, "CLOSE_WAIT", PRI | 0x18, False),
        (REGISTERED, "CLOSE_WAIT", 0x18, False),
        (REGISTERED, "CLOSE_WAIT", IN | ET, False),
        (REGISTERED, "CLOSE_WAIT", IN | ONESHOT, False),
        (REGISTERED, "ESTABLISHED", IN, False),
        (REGISTERED, "ESTABLISHED", IN | OUT, True),
        (REGISTERED, "ESTABLISHED", IN | OUT | ET, False),
        (REGISTERED, "LISTEN", IN, False),
        (REGISTERED, "CLOSE", 0x18, True),  # EPOLLHUP is always reported
        (REGISTERED, "CLOSE", IN | ET, False),
        (REGISTERED, None, IN | OUT, False),  # no TCP socket
        (GHOST, None, IN, True),
        (GHOST, "CLOSE_WAIT", IN, True),
        (GHOST, "ESTABLISHED", IN, True),
        (GHOST, "CLOSE_WAIT", IN | ET, False),
    ],
)
def test_suspects(kind: str, state: str, events: int, expected: bool) -> None:  # noqa: FBT001 - a table
    assert _watchers.suspect(_watcher(kind, state, events)) is expected


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        (REGISTERED, "CLOSE_WAIT", False),
        (REGISTERED, None, False),
        (REGISTERED, "CLOSE", True),
        (GHOST, "CLOSE_WAIT", True),
        (GHOST, None, True),
    ],
)
def test_what_a_race_could_have_made_up(kind: str, state: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert _watchers.uncertain(_watcher(kind, state, IN)) is expected


def test_the_key_tells_registrations_apart() -> None:
    base = _watcher(GHOST, "CLOSE_WAIT", IN)
    assert base.key == base._replace(state=None, events=OUT).key
    others = [base._replace(epoll_fd=4), base._replace(fd=1), base._replace(inode=2), base._replace(kind=REGISTERED)]
    others.append(base._replace(owner=OWNER._replace(start_time=6)))
    assert len({watcher.key for watcher in [base, *others]}) == 6


def _states() -> Mapping[int, str]:
    with _sock_diag.open_socket() as channel:
        return {inode: _sock_diag.STATES[raw[1]] for inode, raw in _sock_diag.census(channel).by_inode.items()}


def _scan(epoll: select.epoll, *pids: int) -> List[Watcher]:
    owners = _holders.walk(pids or [os.getpid()]).owners
    scan = _watchers.scan(owners, _states())
    assert scan.denied == []
    return [found for found in scan.watchers if found.epoll_fd == epoll.fileno()]


def test_real_registrations() -> None:
    with select.epoll() as epoll, half_closed() as dead, connection() as both, reset() as gone:
        with socket.socketpair()[0] as unix, open(os.devnull) as _null, os.fdopen(os.pipe()[0]) as pipe:
            epoll.register(dead.fileno(), select.EPOLLIN)
            epoll.register(both.ours.fileno(), select.EPOLLOUT)
            epoll.register(gone.fileno(), select.EPOLLIN)
            epoll.register(unix.fileno(), select.EPOLLIN)
            epoll.register(pipe.fileno(), select.EPOLLIN)
            found = {watcher.fd: watcher for watcher in _scan(epoll)}
            assert {fd: (watcher.kind, watcher.state) for fd, watcher in found.items()} == {
                dead.fileno(): (REGISTERED, "CLOSE_WAIT"),
                both.ours.fileno(): (REGISTERED, "ESTABLISHED"),
                gone.fileno(): (REGISTERED, "CLOSE"),
                unix.fileno(): (REGISTERED, None),
            }
            assert found[dead.fileno()].inode == inode(dead)
            suspects = {fd for fd, watcher in found.items() if _watchers.suspect(watcher)}
            assert suspects == {dead.fileno(), both.ours.fileno(), gone.fileno()}


def test_a_ghost_made_by_a_fork() -> None:
    with select.epoll() as epoll, connection() as both, half_closed() as dead:
        number, socket_inode = dead.fileno(), inode(dead)
        epoll.register(number, select.EPOLLIN)
        with forked(number) as child:
            dead.close()
            [ghost] = _scan(epoll)
            assert (ghost.kind, ghost.state, ghost.fd, ghost.inode) == (GHOST, "CLOSE_WAIT", number, socket_inode)
            assert _watchers.suspect(ghost)
            # The number is taken again, and watched again: two entries, one of them the ghost's.
            os.dup2(both.ours.fileno(), number)
            epoll.register(number, select.EPOLLIN)
            kinds = sorted((found.kind, found.inode) for found in _scan(epoll))
            assert kinds == sorted([(GHOST, socket_inode), (REGISTERED, inode(both.ours))])
            epoll.unregister(number)
            os.close(number)
            holders = _holders.by_inode(_holders.walk([os.getpid(), child]).owners)
            assert [holder.pid for holder in holders[socket_inode]] == [child]
        assert _scan(epoll) == []


def test_an_unlisted_ghost_has_its_state_from_its_holder() -> None:
    with select.epoll() as epoll, half_closed() as dead:
        number, socket_inode = dead.fileno(), inode(dead)
        epoll.register(number, select.EPOLLIN)
        with forked(number) as child:
            dead.shutdown(socket.SHUT_RDWR)
            dead.close()
            [ghost] = _scan(epoll)
            assert (ghost.kind, ghost.state) == (GHOST, None)
            holders = _holders.by_inode(_holders.walk([child]).owners)
            assert _watchers.ghost_state(ghost, holders).state == "CLOSE"
            assert _watchers.ghost_state(ghost, {}).state is None
            assert _watchers.ghost_state(ghost, {socket_inode: [_holders.Holder(child, 0, 9999, "x")]}).state is None


def test_a_unix_ghost_is_no_tcp() -> None:
    ours, theirs = socket.socketpair()
    with theirs, select.epoll() as epoll:
        number = ours.fileno()
        epoll.register(number, select.EPOLLIN)
        with forked(number) as child:
            ours.close()
            [ghost] = _scan(epoll)
            holders = _holders.by_inode(_holders.walk([child]).owners)
            assert _watchers.ghost_state(ghost, holders).state is None


def test_states_that_are_known_stay() -> None:
    listed = _watcher(GHOST, "CLOSE_WAIT", IN)
    registered = _watcher(REGISTERED, None, IN)
    assert _watchers.ghost_state(listed, {}) == listed
    assert _watchers.ghost_state(registered, {}) == registered


def test_a_child_that_inherited_the_epoll_fd_lists_its_entries_as_well() -> None:
    with select.epoll() as epoll, half_closed() as dead:
        epoll.register(dead.fileno(), select.EPOLLIN)
        with forked(epoll.fileno()) as child:
            found = {watcher.owner.pid: watcher.kind for watcher in _scan(epoll, os.getpid(), child)}
            assert found == {os.getpid(): REGISTERED, child: GHOST}


def test_only_sockets_are_looked_at(tmp_path: Path) -> None:
    device = _watchers.sockfs_device()
    fdinfo = (
        "tfd:        5 events:       19 data:                0  pos:0 ino:384 sdev:%x\n"
        "tfd:        6 events:       19 data:                0  pos:0 ino:384 sdev:%x\n"
    ) % (device, device + 1)
    entries: Dict[str, Any] = {"stat": stat_line(60, "l"), "fd": {"4": "anon_inode:[eventpoll]"}, "fdinfo/4": fdinfo}
    proc = tree(tmp_path, {60: entries})
    [found] = _watchers.scan(_holders.walk([60], proc).owners, {900: "CLOSE_WAIT"}, proc).watchers
    assert (found.fd, found.inode, found.state, found.kind) == (5, 900, "CLOSE_WAIT", GHOST)


def test_registrations_are_grouped_by_socket() -> None:
    first, second = _watcher(GHOST, None, IN), _watcher(REGISTERED, None, IN)
    other = first._replace(inode=901)
    assert _watchers.by_inode([first, other, second]) == {900: [first, second], 901: [other]}
