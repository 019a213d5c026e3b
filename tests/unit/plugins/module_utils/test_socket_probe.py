# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A socket of another process asked through a copy of its fd."""

from __future__ import annotations

import os
import socket
import struct

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _socket_probe
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    connection,
    fds_of,
    forked,
    half_closed,
    reset,
)

KERNEL = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
pytestmark = pytest.mark.skipif(KERNEL < (5, 6), reason="pidfd_getfd came with Linux 5.6; before, nothing can be told")


def test_bytes_that_survived_a_reset() -> None:
    with reset(unread=23) as sock, forked(sock.fileno()) as child:
        assert _socket_probe.probe(child, sock.fileno()) == _socket_probe.Probe(23, lingers=False)
        assert sock.recv(100) == b"x" * 23


def test_bytes_before_a_fin() -> None:
    with half_closed(unread=5) as sock:
        assert _socket_probe.probe(os.getpid(), sock.fileno()) == (5, False)


@pytest.mark.parametrize(("on", "seconds", "lingers"), [(0, 0, False), (0, 30, False), (1, 0, False), (1, 7, True)])
def test_only_a_close_that_waits_lingers(on: int, seconds: int, lingers: bool) -> None:  # noqa: FBT001 - a table
    with half_closed() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", on, seconds))
        probe = _socket_probe.probe(os.getpid(), sock.fileno())
        assert probe is not None
        assert probe.lingers is lingers


def test_nothing_stays_behind() -> None:
    with connection() as both:
        before = fds_of(os.getpid())
        for _turn in range(5):
            assert _socket_probe.probe(os.getpid(), both.ours.fileno()) is not None
            assert _socket_probe.probe(os.getpid(), 98765) is None
        assert fds_of(os.getpid()) == before
        # Closing the copy must not have closed the socket.
        both.theirs.sendall(b"alive")
        assert both.ours.recv(5) == b"alive"


def test_what_is_no_socket_cannot_be_asked() -> None:
    end, other = os.pipe()
    try:
        assert _socket_probe.probe(os.getpid(), end) is None
    finally:
        os.close(end)
        os.close(other)


def test_a_process_that_is_gone() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    assert _socket_probe.probe(child, 1) is None
