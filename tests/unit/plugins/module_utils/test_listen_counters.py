# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counters of refused connections, as kernels print them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _listen_counters, _netns
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import wait_until

NETSTAT = """\
TcpExt: SyncookiesSent DelayedACKs ListenOverflows ListenDrops TCPHPHits
TcpExt: 0 979 326 411 77
IpExt: InNoRoutes InTruncatedPkts ListenDrops
IpExt: 0 0 9
"""
GONE = 4194300


def test_the_two_counters_are_taken_by_their_names() -> None:
    assert _listen_counters.parse(NETSTAT) == _listen_counters.ListenCounters(326, 411)


@pytest.mark.parametrize("text", ["", "TcpExt: ListenOverflows ListenDrops\n", "TcpExt: DelayedACKs\nTcpExt: 3\n"])
def test_a_kernel_that_does_not_count_them(text: str) -> None:
    assert _listen_counters.parse(text) is None


def test_only_a_member_that_is_still_there_answers(tmp_path: Path) -> None:
    own = _netns.own()
    assert _listen_counters.of_members([GONE, os.getpid()], own) is not None
    assert _listen_counters.of_members([os.getpid()], own + 1) is None
    assert _listen_counters.of_members([GONE], own) is None
    assert _listen_counters.of_members([os.getpid()], own, str(tmp_path)) is None


def test_a_full_queue_is_counted() -> None:
    before = _listen_counters.of_members([os.getpid()], _netns.own())
    assert before is not None
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        clients = [socket.socket() for _number in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(server.getsockname())

        def counted() -> bool:
            now = _listen_counters.of_members([os.getpid()], _netns.own())
            return now is not None and now.overflows > before.overflows and now.drops > before.drops

        wait_until(counted)
        for client in clients:
            client.close()
