# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registrations of an epoll instance, from fdinfo as several kernels print it and from the running one."""

from __future__ import annotations

import os
import select
import socket

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _epoll, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._epoll import Registration
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import inode

#: Linux 3.10 to 4.12: no inode.
OLD = """\
pos:\t0
flags:\t02
mnt_id:\t9
tfd:        9 events:       19 data:                9
tfd:      204 events: 80002019 data: ffffffffffffffff
"""
#: Linux 4.13 and later (fs/eventpoll.c, ep_show_fdinfo).
NEW = """\
pos:\t0
flags:\t02000002
mnt_id:\t15
ino:\t1038
tfd:       31 events:       1d data:     55d0c8a0001f  pos:0 ino:14b5c9 sdev:8
tfd:        5 events: 40000001 data:                5  pos:7710 ino:d sdev:800013
tfd:       31 events:        1 data:               1f  pos:-1 ino:14b5ff sdev:8
"""


def test_a_kernel_that_does_not_tell_inodes() -> None:
    assert _epoll.parse(OLD) == [Registration(9, 0x19, -1, -1), Registration(204, 0x80002019, -1, -1)]


def test_the_same_number_may_be_there_twice() -> None:
    assert _epoll.parse(NEW) == [
        Registration(31, 0x1D, 0x14B5C9, 8),
        Registration(5, 0x40000001, 0xD, 0x800013),
        Registration(31, 0x1, 0x14B5FF, 8),
    ]


@pytest.mark.parametrize("text", ["", "pos:\t0\nflags:\t02\nmnt_id:\t9\n", "eventfd-count:                1\n"])
def test_what_watches_nothing(text: str) -> None:
    assert _epoll.parse(text) == []


@pytest.mark.parametrize(
    ("events", "level"),
    [
        (0x1, True),
        (0x19, True),
        (0x2019, True),
        (0x1D, True),
        (0x80000001, False),
        (0x40000001, False),
        (0xC000001D, False),
        (0x10000001, True),  # EPOLLEXCLUSIVE
        (0x20000001, True),  # EPOLLWAKEUP
    ],
)
def test_level_triggered(events: int, level: bool) -> None:  # noqa: FBT001 - a table
    assert _epoll.level_triggered(events) is level


@pytest.mark.parametrize(
    "mask",
    [
        select.EPOLLIN,
        select.EPOLLIN | select.EPOLLOUT,
        select.EPOLLIN | select.EPOLLET,
        select.EPOLLOUT | select.EPOLLONESHOT,
        select.EPOLLRDHUP,
    ],
)
def test_the_running_kernel(mask: int) -> None:
    with select.epoll() as epoll, socket.socket() as sock:
        epoll.register(sock.fileno(), mask)
        found = _epoll.parse(_procfs.fdinfo(os.getpid(), epoll.fileno()))
        # The kernel adds EPOLLERR and EPOLLHUP.
        expected = Registration(sock.fileno(), mask | 0x18, inode(sock), found[0].device)
        assert found == [expected]
        assert _epoll.level_triggered(found[0].events) is not bool(mask & (select.EPOLLET | select.EPOLLONESHOT))


def test_oneshot_that_has_fired_is_still_listed_without_events() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, select.epoll() as epoll:
        epoll.register(ours.fileno(), select.EPOLLIN | select.EPOLLONESHOT)
        theirs.send(b"x")
        assert epoll.poll(1) == [(ours.fileno(), select.EPOLLIN)]
        [found] = _epoll.parse(_procfs.fdinfo(os.getpid(), epoll.fileno()))
        assert not found.events & _epoll.READABLE
        assert not _epoll.level_triggered(found.events)
