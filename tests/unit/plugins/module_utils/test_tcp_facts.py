# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of the tcp subset: contents, order, exact counts and stated cuts."""

from __future__ import annotations

import json
import socket
from typing import Any, Dict, List, Optional, Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import (
    _holders,
    _netns,
    _procfs,
    _sock_diag,
    _tcp_facts,
    _watchers,
)
from ansible_collections.closewait.remediation.plugins.module_utils._holders import Holder
from ansible_collections.closewait.remediation.plugins.module_utils._tcp_facts import Placed

NETNS = 4026533001


def _tcp(inode: int, age_ms: int = 5000, **changes: Any) -> _sock_diag.TcpSocket:
    tcp = _sock_diag.TcpSocket(
        family=int(socket.AF_INET),
        state=8,
        timer=0,
        local=("192.0.2.10", 40000 + inode % 1000),
        remote=("198.51.100.7", 6390),
        cookie=0xFEDCBA9876543210 - inode,
        recv_q=1,
        send_q=0,
        uid=70,
        inode=inode,
        sockid=b"",
        times=_sock_diag.Times(age_ms + 1250, age_ms + 2500, age_ms),
    )
    return tcp._replace(**changes)


def _placed(inode: int, age_ms: int = 5000, **changes: Any) -> Placed:
    return Placed(NETNS, _tcp(inode, age_ms, **changes))


def _owner(pid: int, sockets: Optional[Dict[int, int]] = None, epolls: Tuple[int, ...] = ()) -> _holders.Owner:
    table = _procfs.FdTable(sockets or {}, list(epolls), {0, 1, 2})
    return _holders.Owner(pid, 90 + pid, "prog-%d" % pid, table, running=False)


def _watcher(owner: _holders.Owner, fd: int, inode: int, **changes: Any) -> _watchers.Watcher:
    return _watchers.Watcher(owner, 5, fd, 0x19, inode, _watchers.REGISTERED, "CLOSE_WAIT")._replace(**changes)


def test_one_half_closed_socket_in_full() -> None:
    owner = _owner(31, {12: 700})
    holders = _holders.by_inode([owner])
    registrations = {700: [_watcher(owner, 12, 700, events=0x80002019)]}
    assert _tcp_facts.half_closed(_placed(700, recv_q=8, send_q=3), holders, registrations) == {
        "netns": NETNS,
        "family": "ipv4",
        "local": {"address": "192.0.2.10", "port": 40700},
        "remote": {"address": "198.51.100.7", "port": 6390},
        "state": "CLOSE_WAIT",
        "inode": 700,
        "cookie": "fedcba9876542f54",
        "uid": 70,
        "recv_q": 8,
        "send_q": 3,
        "unread_bytes": 7,
        "fin_read": False,
        "age_s": {"min": 5.0, "max": 5.0},
        "idle_at_fin_s": {"min": 1.25, "max": 1.25},
        "holders": [{"pid": 31, "start_time": 121, "fd": 12, "name": "prog-31"}],
        "holders_omitted": 0,
        "registrations": [
            {
                "pid": 31,
                "start_time": 121,
                "epoll_fd": 5,
                "fd": 12,
                "events": 0x80002019,
                "level_triggered": False,
                "kind": "registered",
            }
        ],
    }


def test_variants_of_a_socket() -> None:
    bare = _tcp_facts.half_closed(_placed(0, recv_q=0, times=None, family=int(socket.AF_INET6)), {}, {})
    assert (bare["family"], bare["fin_read"], bare["unread_bytes"]) == ("ipv6", True, 0)
    assert bare["age_s"] == {"min": 0.0, "max": None}
    assert (bare["holders"], bare["registrations"]) == ([], [])


def test_an_unaccepted_socket_has_no_holders_even_if_inode_0_had() -> None:
    assert _tcp_facts.half_closed(_placed(0), {0: [Holder(1, 2, 3, "x")]}, {})["holders"] == []


@pytest.mark.parametrize("cookie", [0, 1, (1 << 53) + 1, (1 << 64) - 1])
def test_cookies_survive_json(cookie: int) -> None:
    text = _tcp_facts.cookie(_tcp(1, cookie=cookie))
    assert len(text) == 16
    assert int(json.loads(json.dumps(text)), 16) == cookie


def test_states_have_names() -> None:
    assert _tcp_facts.states({8: 3, 1: 20, 10: 2, 99: 1}) == {"ESTABLISHED": 20, "CLOSE_WAIT": 3, "LISTEN": 2, "99": 1}
    assert _tcp_facts.states({}) == {}


def test_a_namespace_is_shown_by_one_member() -> None:
    item = _netns.Namespace(77, [5, 9, 12])
    assert _tcp_facts.namespace(item) == {"netns": 77, "pid": 5, "processes": 3}


def _closed(limit: int, sockets: List[Placed], owners: List[_holders.Owner], *watchers: _watchers.Watcher) -> Any:
    return _tcp_facts.close_wait(sockets, _holders.by_inode(owners), _watchers.by_inode(watchers), limit)


def test_totals_are_exact_whatever_is_shown() -> None:
    sockets = [_placed(inode) for inode in range(100, 160)] + [_placed(0), _placed(0)]
    facts = _closed(4, sockets, [_owner(3, {inode: inode for inode in range(100, 150)})])
    assert (facts["total"], facts["unaccepted"], facts["unowned"]) == (62, 2, 10)
    assert (len(facts["sockets"]), facts["omitted"]) == (4, 58)


def test_what_a_running_process_watches_is_never_cut_off_for_what_sleeping_ones_do() -> None:
    sleeping = [_owner(pid, {4: pid}) for pid in range(1, 80)]
    spinner = _owner(4000, {4: 999})._replace(running=True)
    owners = [*sleeping, spinner]
    found = [_watcher(owner, 4, owner.table.sockets[4]) for owner in owners]
    placed = {inode: _placed(inode) for owner in owners for inode in owner.table.sockets.values()}
    shown = _tcp_facts.watchers(found, placed, _holders.by_inode(owners), 50)
    assert shown["suspects"][0]["pid"] == 4000
    facts = _closed(50, list(placed.values()), owners, *found)
    assert facts["sockets"][0]["inode"] == 999


def test_what_a_running_process_watches_edge_triggered_comes_after_what_could_spin() -> None:
    runs, sleeps = _owner(3, {8: 1})._replace(running=True), _owner(4, {8: 2})
    watchers = _watcher(runs, 8, 1, events=0x80000019), _watcher(sleeps, 8, 2)
    sockets = [_placed(1, age_ms=99_000), _placed(2)]
    assert [row["inode"] for row in _closed(2, sockets, [runs, sleeps], *watchers)["sockets"]] == [2, 1]


def test_nothing_is_omitted_when_all_fits() -> None:
    facts = _closed(2, [_placed(1), _placed(2)], [_owner(3, {8: 1, 9: 2})])
    assert (facts["omitted"], facts["by_peer_omitted"], facts["by_process_omitted"]) == (0, 0, 0)
    assert _closed(5, [], []) == {
        "total": 0,
        "unaccepted": 0,
        "unowned": 0,
        "sockets": [],
        "omitted": 0,
        "by_peer": [],
        "by_peer_omitted": 0,
        "by_process": [],
        "by_process_omitted": 0,
    }


def test_watched_sockets_are_never_cut_before_others() -> None:
    owner = _owner(3, {inode: inode for inode in range(100, 140)})
    sockets = [_placed(inode, age_ms=1000 * inode) for inode in range(100, 140)]
    young, edge = _watcher(owner, 100, 100), _watcher(owner, 139, 139, events=0x80000019)
    second = _watcher(owner, 101, 101)
    shown = [row["inode"] for row in _closed(3, sockets, [owner], edge, young, second)["sockets"]]
    # The youngest of all come first because they are watched level-triggered; edge-triggered ones count as unwatched.
    assert shown == [101, 100, 139]
    assert [row["inode"] for row in _closed(1, sockets, [owner], edge, young)["sockets"]] == [100]


def test_accepted_and_old_sockets_come_first_among_the_unwatched() -> None:
    sockets = [_placed(0, age_ms=99_000), _placed(5, age_ms=1_000), _placed(6, age_ms=50_000)]
    assert [row["inode"] for row in _closed(3, sockets, [])["sockets"]] == [6, 5, 0]


def test_holders_are_cut_and_the_cut_is_stated() -> None:
    owners = [_owner(pid, {4: 700}) for pid in range(1, 41)]
    [row] = _closed(1, [_placed(700)], owners)["sockets"]
    assert len(row["holders"]) == _tcp_facts.HOLDERS_SHOWN
    assert row["holders_omitted"] == 40 - _tcp_facts.HOLDERS_SHOWN


def test_peers_by_number() -> None:
    sockets = [_placed(n) for n in (1, 2)] + [_placed(n, remote=("203.0.113.5", 80)) for n in (3, 4, 5)]
    sockets += [_placed(0, remote=("203.0.113.5", 80)), _placed(6, remote=("198.51.100.7", 6391))]
    facts = _closed(2, sockets, [])
    assert facts["by_peer"] == [
        {"address": "203.0.113.5", "port": 80, "total": 4, "unaccepted": 1},
        {"address": "198.51.100.7", "port": 6390, "total": 2, "unaccepted": 0},
    ]
    assert facts["by_peer_omitted"] == 1


def test_a_process_in_full() -> None:
    owner = _owner(31, {12: 700, 13: 700, 14: 701, 15: 702})
    sockets = [_placed(700, 9_999), _placed(701, 10_000), _placed(702, 86_400_000)]
    facts = _closed(9, sockets, [owner], _watcher(owner, 12, 700), _watcher(owner, 14, 701, events=0x80000001))
    assert facts["by_process"] == [
        {
            "pid": 31,
            "start_time": 121,
            "name": "prog-31",
            "total": 3,  # two numbers of one socket are one socket
            "watched": 2,
            "oldest_s": 86400.0,
            "youngest_s": 9.999,
            "ages": {"10": 1, "60": 1, "600": 0, "3600": 0, "21600": 0, "86400": 0, "inf": 1},
            "fd_limit": None,
        }
    ]


@pytest.mark.parametrize(
    ("age_ms", "label"),
    [
        (0, "10"),
        (9_999, "10"),
        (10_000, "60"),
        (59_999, "60"),
        (60_000, "600"),
        (600_000, "3600"),
        (3_600_000, "21600"),
        (21_600_000, "86400"),
        (86_399_999, "86400"),
        (86_400_000, "inf"),
    ],
)
def test_age_classes(age_ms: int, label: str) -> None:
    [row] = _closed(1, [_placed(7, age_ms)], [_owner(3, {4: 7})])["by_process"]
    assert {name: count for name, count in row["ages"].items() if count} == {label: 1}


def test_processes_that_watch_come_first_then_those_with_most() -> None:
    owners = [_owner(1, {4: 1, 5: 2, 6: 3}), _owner(2, {4: 4}), _owner(3, {4: 5}), _owner(4, {4: 1})]
    facts = _closed(3, [_placed(n) for n in range(1, 6)], owners, _watcher(owners[2], 4, 5))
    rows = [(row["pid"], row["total"], row["watched"]) for row in facts["by_process"]]
    assert rows == [(3, 1, 1), (1, 3, 0), (2, 1, 0)]
    assert facts["by_process_omitted"] == 1


def test_a_registration_counts_for_the_process_that_has_it() -> None:
    parent, child = _owner(1, {4: 700}), _owner(2, {4: 700})
    facts = _closed(3, [_placed(700)], [parent, child], _watcher(parent, 4, 700))
    assert {row["pid"]: row["watched"] for row in facts["by_process"]} == {1: 1, 2: 0}


def test_listeners_with_owners_in_order_of_ports() -> None:
    owner = _owner(31, {3: 800, 4: 801})
    sockets = [
        _placed(800, state=10, local=("192.0.2.10", 9001)),
        _placed(801, state=10, local=("127.0.0.1", 8001)),
        _placed(802, state=10, local=("::", 8001)),
    ]
    facts = _tcp_facts.listeners(sockets, _holders.by_inode([owner]), 2)
    assert [(row["address"], row["port"]) for row in facts["sockets"]] == [("127.0.0.1", 8001), ("::", 8001)]
    assert facts["omitted"] == 1
    assert facts["sockets"][0] == {
        "netns": NETNS,
        "address": "127.0.0.1",
        "port": 8001,
        "inode": 801,
        "holders": [{"pid": 31, "start_time": 121, "fd": 4, "name": "prog-31"}],
    }
    assert facts["sockets"][1]["holders"] == []


def _suspects(limit: int, found: List[_watchers.Watcher], placed: List[Placed], *owners: _holders.Owner) -> Any:
    return _tcp_facts.watchers(found, {item.tcp.inode: item for item in placed}, _holders.by_inode(owners), limit)


def test_a_ghost_in_full() -> None:
    parent, child = _owner(1, {12: 999}, epolls=(5,)), _owner(2, {12: 700})
    ghost = _watcher(parent, 12, 700, kind=_watchers.GHOST)
    assert _suspects(9, [ghost], [_placed(700, recv_q=0, send_q=0)], parent, child) == {
        "level_triggered": 1,
        "suspects": [
            {
                "pid": 1,
                "start_time": 91,
                "name": "prog-1",
                "epoll_fd": 5,
                "fd": 12,
                "events": 0x19,
                "level_triggered": True,
                "inode": 700,
                "kind": "ghost",
                "socket": {
                    "netns": NETNS,
                    "state": "CLOSE_WAIT",
                    "cookie": "fedcba9876542f54",
                    "local": {"address": "192.0.2.10", "port": 40700},
                    "remote": {"address": "198.51.100.7", "port": 6390},
                    "recv_q": 0,
                    "send_q": 0,
                },
                "number_now": {"inode": 999, "link": "socket:[999]"},
                "holders": [{"pid": 2, "start_time": 92, "fd": 12, "name": "prog-2"}],
                "holders_omitted": 0,
            }
        ],
        "omitted": 0,
    }


@pytest.mark.parametrize(
    ("fd", "number_now"),
    [
        (12, {"inode": 999, "link": "socket:[999]"}),
        (5, {"inode": None, "link": None}),  # an epoll instance
        (1, {"inode": None, "link": None}),  # some file
        (40, None),  # closed
    ],
)
def test_what_the_number_is_now(fd: int, number_now: Any) -> None:
    owner = _owner(1, {12: 999}, epolls=(5,))
    [row] = _suspects(9, [_watcher(owner, fd, 700, kind=_watchers.GHOST)], [])["suspects"]
    assert row["number_now"] == number_now


@pytest.mark.parametrize(("state", "expected"), [(None, None), ("CLOSE", {"state": "CLOSE"})])
def test_sockets_that_no_listing_shows(state: Optional[str], expected: Any) -> None:
    ghost = _watcher(_owner(1), 12, 700, kind=_watchers.GHOST, state=state)
    assert _suspects(9, [ghost], [])["suspects"][0]["socket"] == expected


def test_only_suspects_are_shown_but_all_level_triggered_ones_counted() -> None:
    owner = _owner(1)
    found = [_watcher(owner, fd, 700 + fd, state="ESTABLISHED", events=0x19) for fd in range(30)]
    found += [_watcher(owner, 50, 800, events=0x80000019), _watcher(owner, 51, 801)]
    facts = _suspects(9, found, [])
    assert facts["level_triggered"] == 31
    assert [row["fd"] for row in facts["suspects"]] == [51]


def test_half_closed_suspects_and_ghosts_are_never_cut_before_others() -> None:
    owner = _owner(1)
    writable = [_watcher(owner, fd, fd, state="ESTABLISHED", events=0x1D) for fd in range(9)]
    ghost = _watcher(owner, 60, 60, state=None, kind=_watchers.GHOST)
    dead = _watcher(owner, 70, 70)
    facts = _suspects(3, [*writable, ghost, dead], [])
    assert [row["fd"] for row in facts["suspects"]] == [70, 60, 0]
    assert facts["omitted"] == 8


def test_holders_of_a_watched_socket_are_cut_and_the_cut_is_stated() -> None:
    owners = [_owner(pid, {4: 700}) for pid in range(1, 31)]
    [row] = _suspects(9, [_watcher(owners[0], 4, 700)], [], *owners)["suspects"]
    assert (len(row["holders"]), row["holders_omitted"]) == (_tcp_facts.HOLDERS_SHOWN, 30 - _tcp_facts.HOLDERS_SHOWN)


def test_all_of_it_is_json() -> None:
    owner = _owner(1, {12: 999}, epolls=(5,))
    facts = [
        _closed(9, [_placed(999)], [owner], _watcher(owner, 12, 999)),
        _suspects(9, [_watcher(owner, 12, 700, kind=_watchers.GHOST)], []),
        _tcp_facts.listeners([_placed(1, state=10)], {}, 4),
    ]
    assert json.loads(json.dumps(facts)) == facts
