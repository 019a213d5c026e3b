# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of an fd at one moment: real sockets in every state, in this process and in forked ones."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
import struct
import time
from typing import Any, Iterator

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import observation as fd_observation
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Observed, Target
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    JIFFY,
    connection,
    cookie,
    forked,
    half_closed,
    inode,
    needs_ipv6,
    reset,
    wait_until,
)


def _target(sock: socket.socket, pid: int = 0, **changes: Any) -> Target:
    pid = pid or os.getpid()
    stat = _procfs.stat(pid)
    assert stat is not None
    target = Target(pid, stat.start_time, sock.fileno(), inode(sock), cookie(sock), ghost=False)
    return target._replace(**changes)


def _observe(target: Target) -> Observed:
    with fd_observation.Observer([target]) as observer:
        return observer.observe(target)


def test_a_watched_half_closed_socket_in_full() -> None:
    began = time.monotonic()
    with select.epoll() as epoll, half_closed(unread=19) as sock:
        epoll.register(sock.fileno(), select.EPOLLIN)
        target = _target(sock)
        seen = _observe(target)
        assert 0 <= seen.age <= time.monotonic() - began + JIFFY
        assert seen._replace(age=0.0) == Observed(
            start_time=target.start_time,
            is_open=True,
            inode=target.inode,
            state="CLOSE_WAIT",
            cookie=target.cookie,
            unread=19,
            unsent=0,
            lingers=False,
            age=0.0,
            epolls=[epoll.fileno()],
            level_triggered=True,
            holders=[],
            ghost_watchers=[],
        )


@pytest.mark.parametrize(
    ("mask", "level"),
    [
        (select.EPOLLIN, True),
        (select.EPOLLIN | select.EPOLLET, False),
        (select.EPOLLIN | select.EPOLLONESHOT, False),
    ],
)
def test_how_it_is_watched(mask: int, level: bool) -> None:  # noqa: FBT001 - a table
    with select.epoll() as epoll, half_closed() as sock:
        epoll.register(sock.fileno(), mask)
        seen = _observe(_target(sock))
        assert (seen.epolls, seen.level_triggered) == ([epoll.fileno()], level)


def test_two_sets_of_which_one_is_level_triggered() -> None:
    with select.epoll() as first, select.epoll() as second, half_closed() as sock:
        first.register(sock.fileno(), select.EPOLLIN | select.EPOLLET)
        second.register(sock.fileno(), select.EPOLLIN)
        seen = _observe(_target(sock))
        assert seen.epolls == sorted([first.fileno(), second.fileno()])
        assert seen.level_triggered


def test_another_number_of_the_same_socket_is_not_this_number() -> None:
    with select.epoll() as epoll, half_closed() as sock:
        again = os.dup(sock.fileno())
        try:
            epoll.register(again, select.EPOLLIN)
            assert _observe(_target(sock)).epolls == []
            assert _observe(_target(sock, fd=again)).epolls == [epoll.fileno()]
        finally:
            os.close(again)


def test_the_registration_of_an_earlier_file_of_that_number_is_not_this_ones() -> None:
    with select.epoll() as epoll, half_closed() as old, half_closed() as new:
        number = old.fileno()
        epoll.register(number, select.EPOLLIN)
        with forked(number):
            os.dup2(new.fileno(), number)
            assert _observe(_target(old)).epolls == []


def test_an_established_connection() -> None:
    with connection() as both:
        seen = _observe(_target(both.ours))
        assert (seen.state, seen.unread, seen.cookie) == ("ESTABLISHED", 0, cookie(both.ours))


def test_unsent_bytes() -> None:
    with connection() as both:
        both.ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while both.ours.send(b"." * 65536):
                pass
        both.theirs.shutdown(socket.SHUT_WR)
        assert _observe(_target(both.ours)).unsent > 1000


def test_after_a_reset_only_the_socket_itself_knows_what_is_unread() -> None:
    with reset(unread=7) as sock:
        seen = _observe(_target(sock))
        assert (seen.state, seen.unread, seen.cookie) == ("CLOSE", 7, cookie(sock))
        assert seen.age == float("inf")
        sock.recv(100)
        with contextlib.suppress(ConnectionError):
            sock.recv(100)
        assert _observe(_target(sock)).unread == 0


def test_a_reset_between_two_looks() -> None:
    """Listed at first, in no listing afterwards: the second look must not keep the first one's answer."""
    with connection() as both:
        target = _target(both.ours)
        with fd_observation.Observer([target]) as observer:
            assert observer.observe(target).state == "ESTABLISHED"
            both.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            both.theirs.close()
            wait_until(lambda: both.ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7)
            observer.new_moment()
            assert observer.observe(target).state == "CLOSE"


def test_a_socket_that_is_connected_anew_is_no_vanished_one() -> None:
    """connect(AF_UNSPEC) and connect again: the same inode, other ports, so the remembered id finds nothing."""
    with half_closed() as sock, socket.create_server(("127.0.0.1", 0)) as server:
        target = _target(sock)
        with fd_observation.Observer([target]) as observer:
            assert observer.observe(target).state == "CLOSE_WAIT"
            _disconnect(sock)
            sock.connect(server.getsockname())
            observer.new_moment()
            seen = observer.observe(target)
            assert (seen.inode, seen.state) == (target.inode, "ESTABLISHED")


def _disconnect(sock: socket.socket) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.connect(sock.fileno(), struct.pack("HxxIQ", socket.AF_UNSPEC, 0, 0), 16) == 0


def test_so_linger_is_seen() -> None:
    with half_closed() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 9))
        assert _observe(_target(sock)).lingers


def test_what_is_no_tcp() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        target = Target(
            os.getpid(), _target(ours, cookie=None).start_time, ours.fileno(), inode(ours), None, ghost=False
        )
        seen = _observe(target)
        assert (seen.is_open, seen.inode, seen.state) == (True, inode(ours), None)


def test_numbers_that_are_something_else() -> None:
    with half_closed() as sock, open(os.devnull, encoding="ascii") as null:
        seen = _observe(_target(sock, fd=null.fileno()))
        assert (seen.is_open, seen.inode, seen.state, seen.epolls) == (True, None, None, [])
        seen = _observe(_target(sock, fd=77_777))
        assert (seen.is_open, seen.inode) == (False, None)
        with half_closed() as other:
            seen = _observe(_target(sock, fd=other.fileno()))
            assert (seen.is_open, seen.inode, seen.state) == (True, inode(other), None)


def test_processes_that_have_ended() -> None:
    with half_closed() as sock:
        with forked(sock.fileno()) as child:
            target = _target(sock, child)
            assert _observe(target).state == "CLOSE_WAIT"
        assert _observe(target).start_time is None
        zombie = os.fork()
        if not zombie:
            os._exit(0)
        try:
            wait_until(lambda: (_procfs.stat(zombie) or _procfs.Stat(0, "", "", 0, 0)).state == "Z")
            assert _observe(_target(sock, zombie)).start_time is None
        finally:
            os.waitpid(zombie, 0)


def test_other_holders() -> None:
    with half_closed() as sock, forked(sock.fileno()) as first, forked(sock.fileno()) as second:
        assert _observe(_target(sock)).holders == sorted([first, second])
        assert _observe(_target(sock, first)).holders == sorted([os.getpid(), second])


def test_a_holder_born_after_the_walk() -> None:
    with half_closed() as sock:
        target = _target(sock)
        with fd_observation.Observer([target]) as observer:
            assert observer.observe(target).holders == []
            with forked(sock.fileno()) as child:
                observer.new_moment()
                assert observer.observe(target).holders == [child]
            observer.new_moment()
            assert observer.observe(target).holders == []


def test_a_grandchild_born_after_the_walk() -> None:
    with half_closed() as sock:
        target = _target(sock)
        with fd_observation.Observer([target]) as observer, _grandchild(sock.fileno()) as grandchild:
            observer.new_moment()
            assert grandchild in observer.observe(target).holders


@contextlib.contextmanager
def _grandchild(kept: int) -> Iterator[int]:
    """A child of a child of ours that holds the fd, while the child itself does not."""
    end, other = os.pipe()
    report, answer = os.pipe()
    child = os.fork()
    if not child:
        grandchild = os.fork()
        os.close(other)
        if grandchild:
            os.close(kept)
            os.write(answer, b"%d\n" % grandchild)
        os.read(end, 1)
        os._exit(0)
    try:
        os.close(end)
        yield int(os.read(report, 20))
    finally:
        for fd in (other, report, answer):
            os.close(fd)
        os.waitpid(child, 0)


def test_a_moment_is_read_once_and_a_new_one_anew() -> None:
    with select.epoll() as epoll, half_closed() as sock:
        epoll.register(sock.fileno(), select.EPOLLIN)
        target = _target(sock)
        with fd_observation.Observer([target]) as observer:
            assert observer.observe(target).epolls == [epoll.fileno()]
            epoll.unregister(sock.fileno())
            assert observer.observe(target).epolls == [epoll.fileno()]
            observer.new_moment()
            assert observer.observe(target).epolls == []


def test_a_ghost_seen_from_its_holder() -> None:
    with select.epoll() as epoll, half_closed() as sock:
        number = sock.fileno()
        epoll.register(number, select.EPOLLIN)
        with forked(number) as child:
            target = _target(sock, child, ghost=True)
            assert _observe(target).ghost_watchers == [], "as long as this process holds it, it is no ghost"
            sock.close()
            seen = _observe(target)
            assert (seen.ghost_watchers, seen.holders, seen.state) == ([os.getpid()], [], "CLOSE_WAIT")
            assert (seen.epolls, seen.level_triggered) == ([], False)
            assert _observe(target._replace(ghost=False)).ghost_watchers == []


def test_a_holder_that_inherited_the_epoll_fd_has_the_registration_as_its_own() -> None:
    with select.epoll() as epoll, half_closed() as sock:
        number = sock.fileno()
        epoll.register(number, select.EPOLLIN)
        with forked(number, epoll.fileno()) as child:
            target = _target(sock, child, ghost=True)
            sock.close()
            seen = _observe(target)
            assert (seen.ghost_watchers, seen.epolls) == ([os.getpid()], [epoll.fileno()])


def test_flags_and_family_for_what_takes_the_number() -> None:
    with half_closed() as sock, reset() as gone:
        sock.setblocking(False)
        target, unlisted = _target(sock), _target(gone)
        with fd_observation.Observer([target, unlisted]) as observer:
            assert observer.flags(target) & os.O_NONBLOCK
            assert not observer.flags(unlisted) & os.O_NONBLOCK
            assert observer.family(target) == socket.AF_INET
            assert observer.family(unlisted) == socket.AF_INET


@needs_ipv6
def test_the_family_of_ipv6() -> None:
    with half_closed(address="::1") as sock:
        target = _target(sock)
        with fd_observation.Observer([target]) as observer:
            assert observer.family(target) == socket.AF_INET6


def test_leaving_closes_every_channel() -> None:
    with half_closed() as sock:
        before = len(os.listdir("/proc/self/fd"))
        with fd_observation.Observer([_target(sock)]):
            assert len(os.listdir("/proc/self/fd")) > before
        assert len(os.listdir("/proc/self/fd")) == before
