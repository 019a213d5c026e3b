# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accept queues from the kernel: listeners of real processes that accept, wait for somebody else, or compute."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any, Dict, Iterator, List, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import (
    _accept_queues,
    _blocked_on,
    _blocking_call,
    _listen_counters,
    _netns,
    _procfs,
)
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import tcp
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    inode,
    running,
    wait_until,
)
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.test_blocking_call import known_machine

MANY = 10_000
SERVE = """
import select, socket, sys, time
served = socket.create_server(('127.0.0.1', 0), backlog=3)
print('up')
print(served.getsockname()[1])
other = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
"""
BLOCKED = "other.recv(1)"
EPOLL = "p = select.epoll(); p.register(other.fileno(), 1)\n"
LOOP = "while True: p.poll(60)"
#: Edge-triggered, so that it sleeps although there is something to accept.
POLLING = EPOLL + "p.register(served.fileno(), 1 | 1 << 31)\n" + LOOP
STOPPED = EPOLL + LOOP
BUSY = "while True: pass"


@contextlib.contextmanager
def _server(code: str) -> Iterator[Dict[str, Any]]:
    """A program with a full accept queue whose clients have given up; ``third``: the port that it is connected to."""
    with contextlib.ExitStack() as stack:
        third = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        process = stack.enter_context(running(SERVE + code, str(third.getsockname()[1])))
        assert process.stdout is not None
        port = int(process.stdout.readline())
        stack.enter_context(third.accept()[0])
        for _number in range(3):
            socket.create_connection(("127.0.0.1", port)).close()
        yield {"pid": process.pid, "port": port, "third": third.getsockname()[1]}


def _waits_in(pid: int) -> Optional[str]:
    wait = _blocking_call.waits_for(pid, pid)
    return wait.call if wait else None


def _rows(facts: Dict[str, Any], server: Dict[str, Any]) -> List[Dict[str, Any]]:
    listeners = facts["accept_queues"]["listeners"]
    processes = facts["accept_queues"]["processes"]
    return [
        next(row for row in listeners if row["port"] == server["port"]),
        next(row for row in processes if row["pid"] == server["pid"]),
    ]


@known_machine
def test_a_program_that_waits_for_somebody_else_is_named_with_whom() -> None:
    with _server(BLOCKED) as server:
        wait_until(lambda: _waits_in(server["pid"]) == "recvfrom")
        first = _accept_queues.first_look(_netns.discover(_procfs.pids())[0])
        facts = tcp.collect(MANY, known=tcp.Known(first))
    listener, process = _rows(facts, server)
    assert (listener["queue"], listener["queue_before"], listener["backlog"]) == (3, 3, 3)
    assert (listener["half_closed"], listener["half_closed_stood"], listener["unaccepted"]) == (3, 3, 3)
    assert listener["by_peer"] == [{"address": "127.0.0.1", "half_closed": 3, "stood": 3, "unaccepted": 3}]
    assert [holder["pid"] for holder in listener["holders"]] == [server["pid"]]
    assert process["listeners"] == [listener["inode"]]
    assert (process["accepting"], process["running"], process["error"]) == (0, 0, None)
    assert process["waiting"] == process["samples"] == _blocked_on.SAMPLES
    [wait] = process["waits"]
    assert (wait["call"], wait["seen"], wait["main_thread"]) == ("recvfrom", _blocked_on.SAMPLES, True)
    assert (wait["protocol"], wait["remote"]) == ("TCP", {"address": "127.0.0.1", "port": server["third"]})


@known_machine
@pytest.mark.parametrize(("code", "state"), [(POLLING, "accepting"), (STOPPED, "waiting"), (BUSY, "running")])
def test_who_would_accept_who_would_not_and_who_is_busy(code: str, state: str) -> None:
    with _server(code) as server:
        _listener, process = _rows(tcp.collect(MANY), server)
    assert process[state] > process["samples"] / 2


def test_a_queue_that_was_empty_before_does_not_stand() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        first = _accept_queues.first_look(_netns.discover(_procfs.pids())[0])
        with socket.create_connection(server.getsockname()):
            facts = tcp.collect(MANY, known=tcp.Known(first))["accept_queues"]
        [row] = [row for row in facts["listeners"] if row["inode"] == inode(server)]
        assert (row["queue"], row["queue_before"], row["half_closed"]) == (1, 0, 0)
        assert os.getpid() not in [process["pid"] for process in facts["processes"]]


def test_a_listener_without_anything_waiting_is_not_listed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        facts = tcp.collect(MANY)["accept_queues"]
        assert inode(server) not in [row["inode"] for row in facts["listeners"]]


def test_our_own_half_closed_connection_is_nobodys_queue() -> None:
    """It is this host's connection to somebody else, even where a listener has the same address."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        server.accept()[0].close()
        facts = tcp.collect(MANY)["accept_queues"]
        assert ours.getsockname()[1] not in [row["port"] for row in facts["listeners"]]


def test_overflows_of_the_window() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        first = _accept_queues.first_look(_netns.discover(_procfs.pids())[0])
        clients = [socket.socket() for _number in range(6)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        grown: List[Dict[str, Any]] = []

        def overflowed() -> bool:
            facts = tcp.collect(MANY, known=tcp.Known(first))["accept_queues"]
            grown[:] = [row for row in facts["namespaces"] if row["overflows"]]
            return bool(grown)

        wait_until(overflowed)
        for client in clients:
            client.close()
    assert grown[0]["drops"] >= grown[0]["overflows"] > 0
    assert grown[0]["overflows_per_s"] > 0


def test_counters_that_cannot_be_read_are_an_error_and_no_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_listen_counters, "of_members", lambda _pids, _netns, _proc: None)
    facts = tcp.collect(MANY)
    assert {row["overflows"] for row in facts["accept_queues"]["namespaces"]} == {None}
    sources = {error["source"] for error in facts["errors"]}
    assert "net/netstat in network namespace %d" % _netns.own() in sources


def test_a_namespace_that_all_have_left_since_is_no_error() -> None:
    """Containers end all the time, and their network namespaces with them."""
    ours, left = _netns.Namespace(_netns.own(), [os.getpid()]), _netns.Namespace(7, [os.getpid()])
    first = _accept_queues.FirstLook(0.0, {ours.netns: None, 7: None}, {}, frozenset(), frozenset())
    facts = {"namespaces": [{"netns": ours.netns, "overflows": None}, {"netns": 7, "overflows": None}]}
    [error] = _accept_queues.uncounted(facts, first, [ours, left])
    assert str(ours.netns) in error["source"]
