# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registrations of another process removed and put back from outside, and copies of fds under a number of ours."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
from typing import Dict, Iterator, List, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _fd_copy, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import epoll_removal as fd_epoll_removal
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    Victim,
    fds_of,
    half_closed,
    inode,
    needs_root,
    victim,
)

KERNEL = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
pytestmark = [needs_root, pytest.mark.skipif(KERNEL < (5, 6), reason="pidfd_getfd came with Linux 5.6")]


@contextlib.contextmanager
def _source(program: Victim) -> Iterator[_fd_copy.Source]:
    source = _fd_copy.Source(program.process.pid)
    try:
        yield source
    finally:
        source.close()


def _known(program: Victim) -> Dict[Tuple[int, int], List[fd_epoll_removal.Registration]]:
    known: Dict[Tuple[int, int], List[fd_epoll_removal.Registration]] = {}
    text = _procfs.fdinfo(program.process.pid, program.epoll)
    for name, registration in fd_epoll_removal.parse(program.epoll, text):
        known.setdefault(name, []).append(registration)
    return known


def _remove(program: Victim, source: _fd_copy.Source, epolls: List[int]) -> List[fd_epoll_removal.Registration]:
    known = _known(program).get((program.fd, program.inode), [])
    return fd_epoll_removal.remove(source, program.fd, program.inode, epolls, known)


def test_removed_and_put_back_as_it_was() -> None:
    with victim() as program, _source(program) as source:
        before, ours = _known(program), fds_of(os.getpid())
        assert program.ask()["ready"] >= 0
        # Standard input is no epoll instance, and 987 is not open.
        removed = _remove(program, source, [0, 987, program.epoll])
        assert [registration.epoll_fd for registration in removed] == [program.epoll]
        after = _known(program)
        assert {**after, (program.fd, program.inode): removed} == before
        assert (program.fd, program.inode) not in after
        program.ask()
        assert program.ask() == {"ready": 0, "healthy": "hello", "use": "EOF"}
        assert _remove(program, source, [program.epoll]) == []
        assert fd_epoll_removal.put_back(source, program.fd, program.inode, removed) == []
        assert _known(program) == before
        # It is there already: that is what was wanted.
        assert fd_epoll_removal.put_back(source, program.fd, program.inode, removed) == []
        program.ask()
        assert program.ask()["ready"] > 0
        assert fds_of(os.getpid()) == ours


def test_our_handle_of_the_process_has_the_very_number() -> None:
    """Which it is depends on what else is open here, and that on the machine."""
    with victim() as program, _source(program) as source:
        before = _known(program)
        with _handle_at(source, program.fd):
            removed = _remove(program, source, [program.epoll])
            assert [registration.epoll_fd for registration in removed] == [program.epoll]
            assert (program.fd, program.inode) not in _known(program)
        with _handle_at(source, program.fd):
            assert fd_epoll_removal.put_back(source, program.fd, program.inode, removed) == []
            assert _known(program) == before


@contextlib.contextmanager
def _handle_at(source: _fd_copy.Source, number: int) -> Iterator[None]:
    """What is open at that number here is elsewhere meanwhile."""
    aside = os.dup(number) if number in fds_of(os.getpid()) else None
    os.dup2(source._pidfd, number, inheritable=False)
    os.close(source._pidfd)
    source._pidfd = number
    try:
        yield
        assert source._pidfd != number
    finally:
        if source._pidfd == number:
            source._pidfd = os.dup(number)
            os.close(number)
        if aside is not None:
            os.dup2(aside, number)
            os.close(aside)


def test_another_socket_at_that_number_keeps_its_registration() -> None:
    with victim() as program, _source(program) as source:
        before = _known(program)
        assert fd_epoll_removal.remove(source, program.fd, program.inode + 1, [program.epoll], []) == []
        assert fd_epoll_removal.remove(source, 4321, program.inode, [program.epoll], []) == []
        assert _known(program) == before


def test_what_was_not_known_cannot_be_put_back() -> None:
    with victim() as program, _source(program) as source:
        removed = fd_epoll_removal.remove(source, program.fd, program.inode, [program.epoll], [])
        assert removed == [fd_epoll_removal.Registration(program.epoll, None, 0)]
        assert fd_epoll_removal.put_back(source, program.fd, program.inode, removed) == removed


def test_a_number_that_is_another_socket_by_now_gets_nothing_back() -> None:
    with victim() as program, _source(program) as source:
        removed = _remove(program, source, [program.epoll])
        after = _known(program)
        assert fd_epoll_removal.put_back(source, program.fd, program.inode + 1, removed) == removed
        assert fd_epoll_removal.put_back(source, 4321, program.inode, removed) == removed
        assert _known(program) == after


def test_a_process_that_is_gone_has_nothing_to_copy() -> None:
    with victim() as program, _source(program) as source:
        program.process.kill()
        program.process.wait()
        assert fd_epoll_removal.remove(source, program.fd, program.inode, [program.epoll], []) == []
        with pytest.raises(OSError, match="No such process"):
            _fd_copy.Source(program.process.pid)
        assert _fd_copy.source(program.process.pid) is None


def test_a_number_of_ours_comes_back() -> None:
    end, other = os.pipe()
    try:
        with half_closed() as sock:
            with _fd_copy.numbered(sock.fileno(), end):
                assert os.fstat(end).st_ino == inode(sock)
            assert os.fstat(end).st_ino != inode(sock)
            assert not os.get_inheritable(end)
            os.write(other, b"x")
            assert os.read(end, 1) == b"x"
            with _fd_copy.numbered(sock.fileno(), sock.fileno()):
                pass
            assert sock.recv(1) == b""
            before = fds_of(os.getpid())
            with contextlib.suppress(KeyError), _fd_copy.numbered(sock.fileno(), 777):
                raise KeyError
            assert fds_of(os.getpid()) == before
    finally:
        os.close(end)
        os.close(other)


def test_a_number_beyond_our_limit() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
        with half_closed() as sock, _fd_copy.numbered(sock.fileno(), 300):
            assert os.fstat(300).st_ino == inode(sock)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_registration_of_a_copied_epoll_instance() -> None:
    """What is done through the copy is done to the one epoll instance there is."""
    with select.epoll() as epoll, half_closed() as sock:
        epoll.register(sock.fileno(), select.EPOLLIN)
        source = _fd_copy.Source(os.getpid())
        assert [
            found.epoll_fd
            for found in fd_epoll_removal.remove(source, sock.fileno(), inode(sock), [epoll.fileno()], [])
        ] == [epoll.fileno()]
        source.close()
        assert epoll.poll(0) == []
        assert isinstance(sock, socket.socket)
