# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Crowds of connections: real ones over loopback, counted apart from the collection's own code, and made-up tables."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import (
    _holders,
    _netlink,
    _netns,
    _procfs,
    _sock_diag,
)
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import tcp
from ansible_collections.closewait.remediation.plugins.module_utils._connections import (
    closer_look,
    crowding,
    facts,
    listing,
    opened,
    port_range,
    survey,
)
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    connection,
    forked,
    half_closed,
    inode,
    needs_ipv6,
)

CROWD = 23


@pytest.fixture(autouse=True)
def _room_for_every_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs of this machine may have larger ones."""
    monkeypatch.setattr(facts, "ROWS", 10000)


@contextlib.contextmanager
def crowd(number: int = CROWD, address: str = "127.0.0.1") -> Iterator[List[socket.socket]]:
    """That many connections to one listener of this process: the client's ends.

    The server has had the last word: who has just connected may for the kernel have sent a jiffy after it received.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(family))
        server.bind((address, 0))
        server.listen(number)
        clients = []
        for _turn in range(number):
            clients.append(stack.enter_context(socket.create_connection(server.getsockname()[:2])))
            served = stack.enter_context(server.accept()[0])
            served.sendall(b"!")
            assert clients[-1].recv(1) == b"!"
        yield clients


def _remote(found: Dict[str, Any], port: int) -> Dict[str, Any]:
    [row] = [row for row in found["by_remote"] if row["port"] == port]
    return dict(row)


@pytest.mark.parametrize("address", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_a_crowd_is_counted_per_remote_and_per_process(address: str) -> None:
    with crowd(address=address) as clients:
        port = clients[0].getpeername()[1]
        found = tcp.collect(10000)["established"]
        row = _remote(found, port)
        [process] = [row for row in found["by_process"] if row["pid"] == os.getpid()]
    assert (row["address"], row["total"], row["processes"], row["p50"], row["max"]) == (address, CROWD, 1, CROWD, CROWD)
    assert row["source"] == address
    assert (row["ports_used"], row["time_wait"]) == (CROWD, 0)
    assert (row["sampled"], row["waiting"]) == (crowding.SAMPLE, 0)
    assert {"address": address, "port": port, "total": CROWD} in process["top"]
    assert process["fds"] >= 2 * CROWD
    assert process["max"] >= CROWD
    assert found["incoming"] >= CROWD
    assert found["opened"] >= CROWD


def test_what_waits_for_an_answer_and_what_has_been_quiet_is_told() -> None:
    with crowd(crowding.SAMPLE) as clients:
        # The kernel counts in jiffies: within one of the greeting, what is sent is as old as that.
        time.sleep(0.1)
        for client in clients[:5]:
            client.sendall(b"?")
        row = _remote(tcp.collect(10000)["established"], clients[0].getpeername()[1])
    assert row["waiting"] == 5
    assert 0.08 <= row["idle_p50_s"] <= row["idle_max_s"]


def test_an_inherited_connection_is_one_connection_of_two_processes() -> None:
    with crowd() as clients, forked(*(client.fileno() for client in clients)) as child:
        port = clients[0].getpeername()[1]
        found = tcp.collect(10000)["established"]
        row = _remote(found, port)
        pids = [row["pid"] for row in found["by_process"]]
    assert (row["total"], row["processes"], row["max"], row["ports_used"]) == (2 * CROWD, 2, CROWD, CROWD)
    assert {os.getpid(), child} <= set(pids)


def test_few_connections_are_counted_but_not_listed() -> None:
    with crowd(3):
        found = tcp.collect(10000)["established"]
    assert found["opened"] >= 3
    assert all(row["total"] >= crowding.CROWD for row in found["by_remote"] + found["by_process"])


def test_rows_are_cut_and_the_cut_is_stated() -> None:
    with crowd(), crowd(), crowd():
        found = tcp.collect(1)["established"]
    assert len(found["by_remote"]) == 1
    assert found["by_remote_omitted"] >= 2


def test_a_survey_shows_every_socket_as_a_census_does() -> None:
    with half_closed() as dead, connection() as both, _sock_diag.open_socket() as sock:
        mine = {inode(end) for end in (dead, both.ours, both.theirs)}
        census = {number: raw[1] for number, raw in _sock_diag.census(sock).by_inode.items() if number in mine}
        found = survey.survey(sock, _sock_diag.ALL_STATES)
        rows = survey.by_inode(found.rows)
        remote, wanted = both.theirs.getsockname(), inode(both.ours)
    raw = survey.answers(found.blocks, [wanted])
    assert {number: rows[number][survey.STATE] for number in mine} == census
    assert 0 not in rows
    assert rows[wanted] == survey.row(_sock_diag.decode(raw[wanted]))
    assert _sock_diag.decode(raw[wanted]).remote == remote
    assert survey.answers(found.blocks, []) == {}


def _to_itself() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.connect(sock.getsockname())
    return sock


def _message(kind: int, body: bytes) -> bytes:
    return _netlink.HEADER.pack(_netlink.HEADER.size + len(body), kind, 0, 1, 0) + body


def test_messages_of_several_lengths_come_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = [_message(20, b"a" * 8) * 3 + _message(20, b"b" * 4) * 2 + _message(20, b"c" * 8), _message(3, b"\0" * 4)]
    monkeypatch.setattr(_netlink, "_receive", lambda _sock: memoryview(stream.pop(0)))
    with _to_itself() as sock:
        blocks = [(length, len(block)) for length, block in _netlink.dump_blocks(sock, 20, b"")]
    assert blocks == [(24, 72), (20, 40), (24, 24)]


def test_an_error_within_a_dump_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = [_message(20, b"a" * 8) + _message(2, (-2).to_bytes(4, "little", signed=True))]
    monkeypatch.setattr(_netlink, "_receive", lambda _sock: memoryview(stream.pop(0)))
    with _to_itself() as sock, pytest.raises(_netlink.NetlinkError):
        list(_netlink.dump_blocks(sock, 20, b""))


@pytest.mark.parametrize(
    ("reserved", "ports"),
    [("\n", 28232), ("40000\n", 28231), ("8080,40000-40009\n", 28222), ("1-65535\n", 0)],
)
def test_the_ports_for_connections_are_the_range_without_the_reserved(reserved: str, ports: int) -> None:
    assert port_range.count(32768, 60999, reserved) == ports


def test_the_port_range_is_read_below_proc(tmp_path: Path) -> None:
    folder = tmp_path / "sys/net/ipv4"
    folder.mkdir(parents=True)
    (folder / "ip_local_port_range").write_text("20000\t20099\n")
    (folder / "ip_local_reserved_ports").write_text("\n")
    assert port_range.available(str(tmp_path)) == 100


def test_a_port_range_that_is_hidden_is_an_error_and_no_empty_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(_proc: str) -> int:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(port_range, "available", hidden)
    with crowd():
        found = tcp.collect(5)
    assert found["established"] is None
    assert "connections" in [error["source"] for error in found["errors"]]


def _owner(pid: int, *inodes: int) -> _holders.Owner:
    table = _procfs.FdTable(dict(enumerate(inodes, 5)), [3], {0, 1, 2})
    return _holders.Owner(pid, 900 + pid, "dispatch", table, running=False)


def _end(last: int, port: int = 8101) -> opened.Remote:
    return (7, int(socket.AF_INET), bytes([192, 0, 2, last]) + bytes(12), port.to_bytes(2, "big"))


def _row(state: int, source: int, ports: Tuple[int, int], remote: int, number: int) -> survey.Row:
    """From the source address 192.0.2.``source``, ports local and remote, to 192.0.2.``remote``; inode ``number``."""
    local, other = (port.to_bytes(2, "big") for port in ports)
    ours, theirs = (bytes([192, 0, 2, last]) + bytes(12) for last in (source, remote))
    return int(socket.AF_INET), state, local, other, ours, theirs, number


def test_what_is_opened_here_is_told_from_what_comes_in_and_every_state_takes_its_port() -> None:
    established, waiting = _sock_diag.ESTABLISHED, _sock_diag.TIME_WAIT
    rows = [
        _row(established, 8, (40001, 8101), 1, 11),
        _row(established, 8, (40002, 8101), 1, 12),
        _row(waiting, 8, (40003, 8101), 1, 0),
        _row(established, 9, (40001, 8101), 1, 13),
        _row(established, 9, (40002, 8101), 2, 0),
        _row(established, 8, (80, 8101), 1, 14),
        _row(waiting, 8, (80, 8101), 1, 0),
    ]
    found = opened.count(7, rows, [(80).to_bytes(2, "big")])
    assert found.remote_of == {11: _end(1), 12: _end(1), 13: _end(1)}
    assert (found.total, found.incoming) == (4, 1)
    taken = closer_look.used_towards(found, [_end(1)[1:], _end(3)[1:]])
    first, second = (bytes([192, 0, 2, last]) + bytes(12) for last in (8, 9))
    assert taken[_end(1)[1:]] == {(first, established): 2, (first, waiting): 1, (second, established): 1}
    assert taken[_end(3)[1:]] == {}
    used = closer_look.ports(int(socket.AF_INET), taken[_end(1)[1:]], 100)
    assert used == closer_look.Ports("192.0.2.8", 3, 1, 100)


def test_the_median_is_over_the_remotes_of_a_process_also_the_small_ones() -> None:
    remote_of = {**dict.fromkeys(range(100, 131), _end(1)), **dict.fromkeys(range(200, 231), _end(2)), 300: _end(3)}
    [process] = crowding.held([_owner(40, *remote_of, 100, 999)], remote_of)
    assert (process.total, process.median, len(process.remotes)) == (63, 31, 3)
    [sparse] = crowding.held([_owner(41, 100, 200, *range(101, 131))], {**remote_of, 301: _end(4)})
    assert sparse.median == 1
    assert crowding.median([]) == 0
    assert crowding.held([_owner(42, 999)], remote_of) == []


def test_processes_with_many_connections_to_each_remote_come_before_large_pools_to_one() -> None:
    wide = {number: _end(number // 25) for number in range(100)}
    deep = {1000 + number: _end(9) for number in range(99)}
    everywhere = {**wide, **deep}
    processes = crowding.held([_owner(50, *deep), _owner(51, *wide)], everywhere)
    host = facts.Host([opened.Opened(everywhere, 199, 4, {})], processes, crowding.crowds(processes), {})
    fact = facts.fact(host, 1)
    assert [row["pid"] for row in fact["by_process"]] == [51]
    assert (fact["by_process_omitted"], fact["opened"], fact["incoming"], fact["unowned"]) == (1, 199, 4, 0)
    assert fact["by_process"][0]["fds"] == 104
    assert fact["by_remote_omitted"] == 5


def test_a_crowd_is_of_one_program_also_where_others_go_to_the_same_remote() -> None:
    remote_of = dict.fromkeys(range(100), _end(1))
    quiet = _owner(70, *range(40))._replace(name="quiet")
    processes = crowding.held([quiet, _owner(71, *range(40, 70)), _owner(72, *range(70, 100))], remote_of)
    found = crowding.crowds(processes)
    assert [(crowd.name, crowd.counts) for crowd in found] == [("dispatch", [30, 30]), ("quiet", [40])]
    sampled = crowding.samples(processes, found[:1], remote_of)
    assert [sum(inode in part for inode in sampled) for part in (range(40), range(40, 70), range(70, 100))] == [
        0,
        10,
        10,
    ]
    assert {crowd.name for crowd in sampled.values()} == {"dispatch"}


def test_connections_without_a_holder_are_counted() -> None:
    remote_of = dict.fromkeys(range(30), _end(1))
    processes = crowding.held([_owner(60, *range(12))], remote_of)
    assert facts.fact(facts.Host([opened.Opened(remote_of, 30, 0, {})], processes, [], {}), 5)["unowned"] == 18


def test_the_listing_of_a_deserted_namespace_is_nothing_and_no_failure() -> None:
    found = listing.of([_netns.Namespace(1, [4194300])])
    assert (found.parts, found.failed) == ([], [])


def test_half_closed_ones_are_as_many_as_are_listed_of_them() -> None:
    """They may become more or fewer between the two listings."""
    rows: List[survey.Row] = [(2, state, b"", b"", b"", b"", 0) for state in (1, 1, 8, 8, 8)]
    namespace = _netns.Namespace(1, [1])
    with half_closed(), _sock_diag.open_socket() as sock:
        [one, *_others] = _sock_diag.in_state(sock, _sock_diag.CLOSE_WAIT)
    part = listing.Listed(namespace, survey.Survey(rows, []), [one], [])
    assert listing.Listing([part, part], []).counts() == {1: 4, 8: 2}
