# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds which socket: on trees like /proc and over a real fork."""

from __future__ import annotations

import os
import select
import socket
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _holders, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._holders import Holder
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    forked,
    half_closed,
    inode,
    needs_ipv6,
    reset,
    stat_line,
    tree,
)


def test_every_fd_of_every_process_counts(tmp_path: Path) -> None:
    proc = tree(
        tmp_path,
        {
            50: {"stat": stat_line(50, "a b", start_time=11), "fd": {"4": "socket:[900]", "9": "socket:[900]"}},
            51: {"stat": stat_line(51, "c) S", start_time=12), "fd": {"4": "socket:[900]", "5": "socket:[901]"}},
            52: {"stat": stat_line(52, "idle", start_time=13), "fd": {"1": "/dev/null"}},
            53: {"stat": stat_line(53, "loop", start_time=14), "fd": {"7": "anon_inode:[eventpoll]"}},
        },
    )
    walk = _holders.walk([50, 51, 52, 53, 54], proc)
    assert [owner.pid for owner in walk.owners] == [50, 51, 53]
    assert walk.denied == []
    index = _holders.by_inode(walk.owners)
    assert sorted(index[900]) == [Holder(50, 11, 4, "a b"), Holder(50, 11, 9, "a b"), Holder(51, 12, 4, "c) S")]
    assert index[901] == [Holder(51, 12, 5, "c) S")]
    assert set(index) == {900, 901}


def test_a_process_that_ends_during_the_look_is_left_out(tmp_path: Path) -> None:
    proc = tree(tmp_path, {50: {"fd": {"4": "socket:[900]"}}})
    assert _holders.owner_of(50, proc) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every process; this is about who may not")
def test_processes_of_others_are_named_as_denied() -> None:
    assert 1 in _holders.walk([1, os.getpid()]).denied


def test_a_real_fork_holds_what_it_inherited() -> None:
    with half_closed() as sock, forked(sock.fileno()) as child:
        index = _holders.by_inode(_holders.walk([os.getpid(), child]).owners)
        me, other = _procfs.stat(os.getpid()), _procfs.stat(child)
        assert me is not None
        assert other is not None
        assert sorted((holder.pid, holder.start_time, holder.fd) for holder in index[inode(sock)]) == sorted(
            [(me.pid, me.start_time, sock.fileno()), (child, other.start_time, sock.fileno())]
        )


def test_a_second_number_of_the_same_process_is_a_second_holder() -> None:
    with half_closed() as sock:
        again = os.dup(sock.fileno())
        try:
            index = _holders.by_inode(_holders.walk([os.getpid()]).owners)
            assert {holder.fd for holder in index[inode(sock)]} == {sock.fileno(), again}
        finally:
            os.close(again)


def _protocol(fd: int) -> object:
    return _holders.protocol(Holder(os.getpid(), 0, fd, "x"))


def test_protocols_are_told_even_of_sockets_that_no_listing_shows() -> None:
    with reset() as sock, socket.socket(socket.AF_UNIX) as unix, socket.socket(type=socket.SOCK_DGRAM) as udp:
        assert _protocol(sock.fileno()) == "TCP"
        assert str(_protocol(unix.fileno())).startswith("UNIX")
        assert _protocol(udp.fileno()) == "UDP"
    with select.epoll() as epoll:
        assert _protocol(epoll.fileno()) is None
    assert _protocol(99999) is None


@needs_ipv6
def test_the_protocol_of_ipv6_has_a_name_of_its_own() -> None:
    with socket.socket(socket.AF_INET6) as sock:
        assert _protocol(sock.fileno()) == "TCPv6"
