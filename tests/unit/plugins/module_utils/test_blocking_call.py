# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a thread waits for: lines as kernels print them, and real processes that wait in every way."""

from __future__ import annotations

import platform
import socket
from typing import List, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _blocking_call
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import running, wait_until

known_machine = pytest.mark.skipif(
    platform.machine() not in _blocking_call.NUMBERS, reason="the numbers of this machine's system calls are not known"
)

RECVFROM = "45 0x8 0x7f3a5c02e7d0 0x2000 0x0 0x0 0x0 0x7ffd4a8b6a50 0x7f3a5d6fd9ee\n"
PPOLL_ARM = "73 0xffffd1a6e8b8 0x1 0x0 0x0 0x8 0x0 0xffffd1a6e790 0xffff8f0a9c44\n"


@pytest.mark.parametrize(
    ("text", "machine", "name", "first"),
    [
        (RECVFROM, "x86_64", "recvfrom", [8]),
        (PPOLL_ARM, "aarch64", "ppoll", [0xFFFFD1A6E8B8]),
        (RECVFROM, "s390x", "45", [8]),
        ("999 0x8 0x0 0x0 0x0 0x0 0x0 0x1 0x2\n", "x86_64", "999", [8]),
        ("running\n", "x86_64", "running", []),
    ],
)
def test_lines_of_the_kernel(text: str, machine: str, name: str, first: List[int]) -> None:
    call = _blocking_call.parse(text, machine)
    assert call is not None
    assert (call.name, call.arguments[:1]) == (name, first)


@pytest.mark.parametrize("text", ["-1 0x7ffd4a8b6a50 0x7f3a5d6fd9ee\n", ""])
def test_no_system_call(text: str) -> None:
    assert _blocking_call.parse(text) is None


CONNECT = """
import os, select, socket, sys, time
print('up')
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
# The number shows that it is taken from the process, not from its place in a list.
n = os.dup2(s.fileno(), 77); s.close(); s = socket.socket(fileno=77)
"""


@known_machine
@pytest.mark.parametrize(
    ("code", "calls", "fds"),
    [
        ("s.recv(1)", ["recvfrom"], [77]),
        ("os.read(s.fileno(), 1)", ["read"], [77]),
        ("s.settimeout(60); s.recv(1)", ["poll", "ppoll"], [77]),
        ("select.select([s], [], [], 60)", ["select", "pselect6"], [77]),
        ("select.select([s, 0], [], [], 60)", ["select", "pselect6"], [0, 77]),
        ("time.sleep(60)", ["clock_nanosleep", "nanosleep", "select", "pselect6"], []),
    ],
)
def test_a_process_that_waits_for_a_connection(code: str, calls: List[str], fds: List[int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with running(CONNECT + code, str(server.getsockname()[1])) as process, server.accept()[0] as _accepted:
            seen: List[Optional[List[int]]] = []

            def blocked() -> bool:
                wait = _blocking_call.waits_for(process.pid, process.pid)
                seen.append(wait.fds if wait else None)
                return wait is not None and wait.call in calls and wait.fds == fds

            try:
                wait_until(blocked)
            except AssertionError:
                raise AssertionError("it was seen to wait for %s" % seen[-3:]) from None


def test_a_process_that_is_gone() -> None:
    assert _blocking_call.waits_for(4194300, 4194300) is None


@known_machine
def test_a_set_too_long_to_be_one_wait_is_not_read() -> None:
    call = _blocking_call.Call("poll", [0x1000, _blocking_call.MOST_FDS + 1, 0, 0, 0, 0])
    assert _blocking_call._fds(call, "/proc/self/mem") is None


def test_memory_that_cannot_be_read_is_not_known() -> None:
    assert _blocking_call._fds(_blocking_call.Call("poll", [8, 1, 0, 0, 0, 0]), "/proc/self/mem") is None
