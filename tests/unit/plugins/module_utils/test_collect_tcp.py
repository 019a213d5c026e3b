# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tcp subset gathered from this machine, with sockets of the test's own to be found in it."""

from __future__ import annotations

import json
import os
import select
import socket
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import (
    _fd_copy,
    _holders,
    _netns,
    _procfs,
    _sock_diag,
    _tcp_evidence,
)
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import tcp
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    connection,
    cookie,
    forked,
    half_closed,
    inode,
    reset,
    stat_line,
    tree,
)

MANY = 10_000


def _mine(facts: Dict[str, Any]) -> Dict[int, Dict[str, Any]]:
    return {row["inode"]: row for row in facts["close_wait"]["sockets"]}


def test_a_watched_socket_an_idle_one_and_a_foreign_holder() -> None:
    with select.epoll() as epoll, half_closed(unread=11) as watched, half_closed() as idle:
        epoll.register(watched.fileno(), select.EPOLLIN)
        with forked(idle.fileno()) as child:
            facts = tcp.collect(MANY)
        me = _procfs.stat(os.getpid())
        assert me is not None
        row = _mine(facts)[inode(watched)]
        assert (row["cookie"], row["unread_bytes"], row["netns"]) == (cookie(watched), 11, _netns.own())
        assert (row["remote"]["port"], row["uid"]) == (watched.getpeername()[1], os.getuid())
        assert [(item["pid"], item["start_time"], item["fd"]) for item in row["holders"]] == [
            (me.pid, me.start_time, watched.fileno())
        ]
        assert [(r["epoll_fd"], r["fd"], r["level_triggered"]) for r in row["registrations"]] == [
            (epoll.fileno(), watched.fileno(), True)
        ]
        assert {item["pid"] for item in _mine(facts)[inode(idle)]["holders"]} == {me.pid, child}
        processes = {row["pid"]: row for row in facts["close_wait"]["by_process"]}
        assert (processes[me.pid]["total"], processes[me.pid]["watched"]) == (2, 1)
        assert (processes[child]["total"], processes[child]["watched"]) == (1, 0)
        assert processes[me.pid]["fd_limit"] == _procfs.fd_limit(me.pid)
        assert inode(watched) in [row["inode"] for row in facts["watchers"]["suspects"]]
        assert facts["close_wait"]["total"] >= 2
        assert facts["states"]["CLOSE_WAIT"] >= 2
        assert {"127.0.0.1"} <= set(facts["addresses"])
        assert json.loads(json.dumps(facts)) == facts


def test_the_other_end_of_a_half_closed_connection_is_listed() -> None:
    with half_closed() as ours:
        facts = tcp.collect(MANY)
        ends = {"local": ours.getpeername(), "remote": ours.getsockname()}
    [row] = [
        row
        for row in facts["closing"]["sockets"]
        if all((row[end]["address"], row[end]["port"]) == address for end, address in ends.items())
    ]
    # FIN_WAIT1 until the other end has acknowledged it.
    assert row["state"] in ("FIN_WAIT1", "FIN_WAIT2")
    assert row["netns"] == _netns.own()
    assert facts["closing"]["total"] == len(facts["closing"]["sockets"])
    assert tcp.collect(0)["closing"]["sockets"] == []


def test_watched_sockets_survive_any_cap() -> None:
    with select.epoll() as epoll, half_closed() as _first, half_closed() as _second, half_closed() as watched:
        epoll.register(watched.fileno(), select.EPOLLIN)
        facts = tcp.collect(1)
        assert len(facts["close_wait"]["sockets"]) == 1
        assert facts["close_wait"]["sockets"][0]["registrations"]
        assert facts["close_wait"]["omitted"] == facts["close_wait"]["total"] - 1 >= 2
        assert len(facts["listeners"]["sockets"]) <= 1
        assert len(facts["watchers"]["suspects"]) == 1


def test_a_ghost_and_an_unlisted_socket_are_confirmed_by_a_second_look() -> None:
    # Lower numbers for what the collector opens itself, which would take the one that is closed here.
    spare = [os.open(os.devnull, os.O_RDONLY) for _each in range(16)]
    with select.epoll() as epoll, half_closed() as dead, reset() as gone:
        for descriptor in spare:
            os.close(descriptor)
        epoll.register(dead.fileno(), select.EPOLLIN)
        epoll.register(gone.fileno(), select.EPOLLIN)
        number, ghost_inode = dead.fileno(), inode(dead)
        with forked(number) as child:
            dead.close()
            facts = tcp.collect(MANY)
        suspects = {row["inode"]: row for row in facts["watchers"]["suspects"] if row["pid"] == os.getpid()}
        ghost = suspects[ghost_inode]
        assert (ghost["kind"], ghost["fd"], ghost["number_now"]) == ("ghost", number, None)
        assert ghost["socket"]["state"] == "CLOSE_WAIT"
        assert [holder["pid"] for holder in ghost["holders"]] == [child]
        unlisted = suspects[inode(gone)]
        assert (unlisted["kind"], unlisted["socket"]) == ("registered", {"state": "CLOSE"})
        # It is neither half-closed nor listening: asked for as a suspect alone.
        assert [holder["fd"] for holder in unlisted["holders"]] == [gone.fileno()]


def test_a_reset_connection_is_in_no_listing_but_known() -> None:
    with reset() as gone, socket.socket() as fresh, connection() as both:
        local, number = gone.getsockname(), gone.fileno()
        with forked(number) as child:
            facts = tcp.collect(MANY)
        rows = {row["inode"]: row for row in facts["vanished"]["sockets"]}
        row = rows[inode(gone)]
        assert (row["local"]["address"], row["local"]["port"]) == local
        assert (row["remote"]["address"], row["cookie"], row["netns"]) == ("127.0.0.1", cookie(gone), _netns.own())
        assert {(item["pid"], item["fd"]) for item in row["holders"]} == {(os.getpid(), number), (child, number)}
        assert facts["vanished"]["total"] >= 1
        assert not {inode(fresh), inode(both.ours), inode(both.theirs)} & set(rows)
        few = tcp.collect(1)["vanished"]
        assert few["omitted"] == few["total"] - 1


def test_where_no_copy_can_be_had_a_vanished_socket_is_counted_as_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fd_copy, "source", lambda _pid: None)
    with reset():
        facts = tcp.collect(MANY)
    assert facts["vanished"]["unasked"] >= 1
    assert (facts["vanished"]["total"], facts["vanished"]["sockets"]) == (0, [])


def test_listeners_and_sockets_nobody_has_accepted() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(5)
        port = server.getsockname()[1]
        for _turn in range(3):
            with socket.create_connection(server.getsockname()):
                pass
        facts = tcp.collect(MANY)
        [row] = [row for row in facts["listeners"]["sockets"] if row["port"] == port]
        assert (row["address"], row["inode"]) == ("127.0.0.1", inode(server))
        assert [holder["pid"] for holder in row["holders"]] == [os.getpid()]
        mine = [row for row in facts["close_wait"]["sockets"] if row["local"]["port"] == port]
        assert [(row["inode"], row["holders"], row["fin_read"]) for row in mine] == [(0, [], False)] * 3
        assert facts["close_wait"]["unaccepted"] >= 3


def test_an_established_connection_is_no_finding() -> None:
    with select.epoll() as epoll, connection() as both:
        epoll.register(both.ours.fileno(), select.EPOLLIN)
        facts = tcp.collect(MANY)
        assert inode(both.ours) not in _mine(facts)
        assert inode(both.ours) not in [row["inode"] for row in facts["watchers"]["suspects"]]
        assert facts["watchers"]["level_triggered"] >= 1


def test_a_listening_socket_that_is_watched_is_counted_and_no_suspect() -> None:
    with select.epoll() as epoll, socket.create_server(("127.0.0.1", 0)) as server:
        epoll.register(server.fileno(), select.EPOLLIN)
        facts = tcp.collect(MANY)
        assert inode(server) in [row["inode"] for row in facts["listeners"]["sockets"]]
        assert facts["states"]["LISTEN"] == len(facts["listeners"]["sockets"])
        assert inode(server) not in [row["inode"] for row in facts["watchers"]["suspects"]]


def test_with_very_many_sockets_the_epoll_sets_of_those_that_sleep_are_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_tcp_evidence, "MANY_SOCKETS", 1)
    with select.epoll() as epoll, half_closed() as watched:
        epoll.register(watched.fileno(), select.EPOLLIN)
        with forked(watched.fileno(), epoll.fileno()) as child:
            facts = tcp.collect(MANY)
            busy = tcp.collect(MANY, known=tcp.Known(busy=frozenset([child])))
        seen = {item["pid"] for item in _mine(facts)[inode(watched)]["registrations"]}
        assert seen == {os.getpid()}
        assert facts["watchers"]["asleep"] >= 1
        assert {item["pid"] for item in _mine(busy)[inode(watched)]["registrations"]} == {os.getpid(), child}


@pytest.mark.parametrize("hidden", ["its fds", "its network namespace"])
def test_a_process_that_cannot_be_looked_into_is_told(hidden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner_of, discover = _holders.owner_of, _netns.discover

    def look(pid: int, proc: str = "/proc") -> Optional[_holders.Owner]:
        if pid == child and hidden == "its fds":
            raise PermissionError
        return owner_of(pid, proc)

    def place(pids: Iterable[int], proc: str = "/proc") -> Tuple[List[_netns.Namespace], List[int]]:
        found, denied = discover(pids, proc)
        return found, [*denied, *([child] if hidden == "its network namespace" else [])]

    monkeypatch.setattr(_holders, "owner_of", look)
    monkeypatch.setattr(_netns, "discover", place)
    with half_closed() as held, forked(held.fileno()) as child:
        facts = tcp.collect(MANY)
    assert child in [row["pid"] for row in facts["unreadable"]["processes"]]


def test_who_may_not_look_says_so() -> None:
    facts = tcp.collect(MANY)
    if os.geteuid():
        assert any("become: true" in error["reason"] for error in facts["errors"])
        assert facts["unreadable"]["total"] > 0
    else:
        assert facts["errors"] == []


def test_no_namespace_that_can_be_listed_is_null_and_no_empty_list(tmp_path: Path) -> None:
    """The process of this tree is in a namespace that cannot be entered."""
    proc = tree(tmp_path, {60: {"stat": stat_line(60, "x"), "fd": {"3": "socket:[5]"}}})
    for pid in ("60", "self"):
        (tmp_path / pid / "ns").mkdir(parents=True, exist_ok=True)
        (tmp_path / pid / "ns" / "net").write_text(pid)
    facts = tcp.collect(5, proc)
    for name in ("states", "listeners", "close_wait", "watchers", "addresses"):
        assert facts[name] is None
    assert {error["source"].split()[0] for error in facts["errors"]} >= {"sock_diag", "addresses"}
    assert all(error["reason"] for error in facts["errors"])


def test_a_kernel_without_inet_diag_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # What was for DCCP has no inet_diag here either: the kernel answers as one without tcp_diag does.
    monkeypatch.setattr(_sock_diag, "TCPDIAG_GETSOCK", 19)
    facts = tcp.collect(5)
    assert facts["close_wait"] is None
    assert any("tcp_diag" in error["reason"] for error in facts["errors"])


def test_epoll_sets_that_tell_no_inodes_are_an_error(tmp_path: Path) -> None:
    """Linux before 4.13 prints registrations without inode: then nobody can say what is watched."""
    fdinfo = "pos:\t0\nflags:\t02\ntfd:        5 events:       19 data:                5\n"
    entries: Dict[str, Any] = {"stat": stat_line(60, "x"), "fd": {"3": "anon_inode:[eventpoll]"}, "fdinfo/3": fdinfo}
    proc = tree(tmp_path, {60: entries})
    for pid in ("60", "self"):
        (tmp_path / pid / "ns").mkdir(parents=True, exist_ok=True)
        os.symlink("/proc/self/ns/net", str(tmp_path / pid / "ns" / "net"))
    facts = tcp.collect(5, proc)
    assert any("epoll" in error["source"] for error in facts["errors"])
    assert facts["watchers"] is None
