# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections of a process, on real sockets of this one."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _connection_look, _procfs
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    TCP_CLOSE_WAIT,
    cookie,
    forked,
    wait_for_state,
)

CAN_LOOK = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the open files of all processes")


class Served:
    """A listening server of this process, and connections to it with both ends in this process."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.ends: list[socket.socket] = []

    @property
    def peer(self) -> tuple[str, int]:
        address, port = self.listener.getsockname()
        return str(address), int(port)

    def connect(self) -> tuple[socket.socket, socket.socket]:
        ours = socket.create_connection(self.peer)
        theirs = self.listener.accept()[0]
        self.ends += [ours, theirs]
        return ours, theirs

    def close(self) -> None:
        # Theirs first: who closes first keeps its port in TIME_WAIT, which is then none that could be handed out again.
        for end in [*reversed(self.ends), self.listener]:
            end.close()


@pytest.fixture
def served() -> Iterator[Served]:
    with closing(Served()) as server:
        yield server


def own_start_time() -> int:
    stat = _procfs.stat(os.getpid())
    assert stat is not None
    return stat.start_time


def look(served: Served) -> _connection_look.Look:
    return _connection_look.look(os.getpid(), own_start_time(), served.peer)


@CAN_LOOK
def test_open_half_closed_and_watched(served: Served) -> None:
    stuck, closed = served.connect()
    listener, _theirs = served.connect()
    other, _also = served.connect()
    closed.shutdown(socket.SHUT_WR)
    wait_for_state(stuck, TCP_CLOSE_WAIT)
    with closing(select.epoll()) as loop:
        loop.register(stuck, select.EPOLLIN)
        loop.register(listener, select.EPOLLIN)
        loop.register(other, select.EPOLLOUT)
        seen = look(served)
    assert seen.alive
    assert [(one.port, one.cookie, one.watched) for one in seen.half_closed] == [
        (stuck.getsockname()[1], cookie(stuck), True)
    ]
    by_port = {one.port: one for one in seen.open}
    assert by_port[listener.getsockname()[1]].watched
    assert not by_port[other.getsockname()[1]].watched
    assert {one.address for one in seen.open} == {"127.0.0.1"}
    assert [one.others for one in seen.open] == [[], []]


@CAN_LOOK
@pytest.mark.parametrize(
    "mask", [select.EPOLLIN | select.EPOLLET, select.EPOLLIN | select.EPOLLONESHOT, select.EPOLLOUT]
)
def test_a_registration_that_does_not_report_the_end_again_and_again(served: Served, mask: int) -> None:
    ours, _theirs = served.connect()
    with closing(select.epoll()) as loop:
        loop.register(ours, mask)
        assert [one.watched for one in look(served).open] == [False]


@CAN_LOOK
def test_a_child_that_holds_a_copy_is_named(served: Served) -> None:
    kept, _theirs = served.connect()
    alone, _also = served.connect()
    with forked(kept.fileno()) as child:
        others = {one.port: one.others for one in look(served).open}
    assert others == {kept.getsockname()[1]: [child], alone.getsockname()[1]: []}


@CAN_LOOK
def test_another_peer_is_of_no_account(served: Served) -> None:
    with closing(Served()) as elsewhere:
        elsewhere.connect()
        assert look(served).open == []
        assert len(look(elsewhere).open) == 1


def test_a_process_that_started_at_another_time_is_another_one(served: Served) -> None:
    served.connect()
    seen = _connection_look.look(os.getpid(), own_start_time() + 1, served.peer)
    assert seen == _connection_look.Look(False, [], [], [])
