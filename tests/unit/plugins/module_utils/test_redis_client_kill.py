# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which client is disconnected: a table of cases."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis.client_kill import (
    Terms,
    Wanted,
    choose,
    listing,
    named,
)
from ansible_collections.closewait.remediation.plugins.module_utils._redis.client_list import Client

WORKER = "192.0.2.31"
SERVER = ("192.0.2.10", 6491)
HERE = Terms(SERVER)


def client(number: int, port: int, **changed: Any) -> Client:
    usual = Client(number, "%s:%d" % (WORKER, port), "", 88, 0, "N", SERVER, 0, "kiln", "publish")
    return usual._replace(**changed)


def listener(number: int, port: int, **changed: Any) -> Client:
    return client(number, port, **{"flags": "P", "subscriptions": 1, "command": "psubscribe", **changed})


#: The order is that of the server, which is none.
CLIENTS = [client(12, 40012), listener(11, 40011), listener(9, 40009), client(70, 40012, addr="192.0.2.99:40012")]
WANTED = [Wanted(WORKER, 40009), Wanted(WORKER, 40011), Wanted(WORKER, 40012, watched=False)]


def test_the_oldest_connection_that_only_listens() -> None:
    choice = choose(CLIENTS, WANTED, HERE)
    assert (choice.outcome, choice.client) == ("kill", CLIENTS[2])
    assert named(choice) == {"address": WORKER, "port": 40009, "id": 9, "watched": True, "cookie": None}
    assert listing(choice) == "id 9 192.0.2.31:40009 flags P cmd psubscribe\n"


def test_one_that_nobody_waits_for_is_no_use() -> None:
    wanted = [WANTED[0]._replace(watched=False), *WANTED[1:]]
    choice = choose(CLIENTS, wanted, HERE)
    assert choice.client == CLIENTS[1]


def test_with_its_id() -> None:
    choice = choose(CLIENTS, [Wanted(WORKER, 40009, 9, cookie="ab")], HERE)
    assert (choice.outcome, choice.client) == ("kill", CLIENTS[2])
    assert (named(choice) or {})["cookie"] == "ab"


def test_an_id_that_is_gone_is_gone_whoever_has_the_address_now() -> None:
    choice = choose(CLIENTS, [Wanted(WORKER, 40009, 4)], HERE)
    assert (choice.outcome, choice.client) == ("gone", None)
    assert "id 4" in choice.reason
    assert (named(choice), listing(choice)) == (None, "")


@pytest.mark.parametrize(
    ("clients", "wanted", "terms", "says"),
    [
        (
            CLIENTS[:1],
            WANTED,
            HERE,
            "does not have 2 of 3 connections as its clients (192.0.2.31:40009, 192.0.2.31:40011)",
        ),
        ([], WANTED, HERE, "an address translation or a proxy is between"),
        # The id is there, but its address is another one.
        (CLIENTS, [Wanted(WORKER, 40009, 11)], HERE, "does not have 1 of 1"),
        # Two clients at one address cannot be told apart.
        ([*CLIENTS, listener(13, 40009)], WANTED, HERE, "does not have 1 of 3"),
        (
            CLIENTS,
            WANTED,
            Terms(("203.0.113.5", 6491)),
            "connected to 192.0.2.10:6491 of the server, not to 203.0.113.5",
        ),
        (CLIENTS, WANTED, Terms((SERVER[0], 6492)), "not to 192.0.2.10:6492"),
        ([*CLIENTS[:2], listener(9, 40009, flags="S")], WANTED, HERE, "client 9 is a replica"),
        ([*CLIENTS[:2], listener(9, 40009, flags="O")], WANTED, HERE, "client 9 is a monitor"),
        ([*CLIENTS[:2], listener(9, 40009, flags="M")], WANTED, HERE, "client 9 is the master"),
        ([*CLIENTS[:2], listener(9, 40009, user="oven")], WANTED, HERE, "several users (kiln, oven)"),
        (CLIENTS, WANTED, Terms(SERVER, "oven"), "belong to kiln, not to oven"),
        ([client(12, 40012)], [WANTED[2]], HERE, "none of its 1 connections is one that its event loop listens on"),
        ([client(12, 40012)], [Wanted(WORKER, 40012)], HERE, "none of its 1 connections"),
        ([listener(12, 40012, subscriptions=0)], [Wanted(WORKER, 40012)], HERE, "none of its 1 connections"),
        ([listener(12, 40012)], [WANTED[2]], HERE, "none of its 1 connections"),
    ],
)
def test_refused(clients: list[Client], wanted: list[Wanted], terms: Terms, says: str) -> None:
    choice = choose(clients, wanted, terms)
    assert (choice.outcome, choice.client) == ("refused", None)
    assert says in choice.reason


def test_a_server_that_does_not_tell_its_end_or_users() -> None:
    old = [each._replace(server=None, user=None) for each in CLIENTS]
    assert choose(old, WANTED, Terms(SERVER, "kiln")).outcome == "kill"


def test_an_address_mapped_into_ipv6_is_the_same() -> None:
    wanted = [Wanted("::ffff:" + WORKER, 40009)]
    assert choose(CLIENTS, wanted, Terms(("::FFFF:192.0.2.10", 6491), "kiln")).outcome == "kill"
