# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Redis is at the other end, and when that is not said."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _gathered
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _peers
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Connection, Peer
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make

AWAY = (make.THERE, make.REDIS_PORT)


def peer_of(
    fleet: dict[str, make.Fact],
    remote: tuple[str, int] = AWAY,
    local: str = make.HERE,
    redis_host: str | None = None,
    netns: int | None = make.NETNS,
    blind: tuple[str, ...] = (),
) -> Peer:
    facts = {host: _gathered.from_facts(values).facts or {} for host, values in fleet.items()}
    lookup = _peers.lookup(_peers.fleet(facts, list(blind)), make.HOST, redis_host)
    here: Endpoint = {"address": local, "port": 50123}
    there: Endpoint = {"address": remote[0], "port": remote[1]}
    return lookup(Connection(netns, here, there))


def fleet(**others: make.Fact) -> dict[str, make.Fact]:
    return {make.HOST: make.worker(), **others}


def listener(address: str, port: int, pid: int, netns: int = make.NETNS) -> make.Fact:
    return {
        "netns": netns,
        "address": address,
        "port": port,
        "inode": pid * 10,
        "holders": [make.holder(pid, 4021, 6, "some-server")],
    }


def listening(*sockets: make.Fact, **changed: Any) -> make.Fact:
    return {**make.server()["tcp"], "listeners": {"sockets": list(sockets), "omitted": 0}, **changed}


def test_redis_of_another_host() -> None:
    peer = peer_of(fleet(larder=make.server()))
    assert (peer.host, peer.redis and peer.redis["timeout"]) == ("larder", make.TIMEOUT)


@pytest.mark.parametrize("bound", [str(IPv4Address(0)), "::", "*", f"::ffff:{make.THERE}"])
def test_redis_bound_to_every_address_or_written_otherwise(bound: str) -> None:
    peer = peer_of(fleet(larder=make.server(redis=make.redis(make.instance(address=bound)))))
    assert peer.host == "larder"
    assert peer.redis is not None


def test_redis_with_several_addresses() -> None:
    several = [make.endpoint(("127.0.0.1", make.REDIS_PORT)), make.endpoint((make.THERE, make.REDIS_PORT))]
    bound = make.instance(address="127.0.0.1", listening=several)
    assert peer_of(fleet(larder=make.server(redis=make.redis(bound)))).redis is not None


def test_mapped_address_of_the_socket() -> None:
    assert peer_of(fleet(larder=make.server()), (f"::ffff:{make.THERE}", make.REDIS_PORT)).host == "larder"


@pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "127.8.9.10", make.HERE])
def test_loopback_and_own_address_stay_on_the_host(remote: str) -> None:
    local = make.HERE if remote == make.HERE else remote
    here = make.worker(redis=make.redis(make.instance(address=remote)))
    elsewhere = make.server(redis=make.redis(make.instance(address=remote, timeout=5)))
    peer = peer_of({make.HOST: here, "larder": elsewhere}, (remote, make.REDIS_PORT), local)
    assert peer.host == make.HOST
    assert peer.redis is not None
    assert peer.redis["timeout"] == make.TIMEOUT


def test_loopback_of_another_namespace_is_another_redis() -> None:
    inside = make.instance(address="127.0.0.1", netns=make.NETNS + 1, timeout=7)
    outside = make.instance(address="127.0.0.1", pid=812)
    here = make.worker(redis=make.redis(inside, outside))
    peer = peer_of({make.HOST: here}, ("127.0.0.1", make.REDIS_PORT), "127.0.0.1")
    assert peer.redis is not None
    assert peer.redis["pid"] == 812


@pytest.mark.parametrize(("namespaces", "known"), [(1, True), (2, False)])
def test_redis_in_a_namespace_that_is_not_known(namespaces: int, *, known: bool) -> None:
    rows = [{"netns": make.NETNS + n, "pid": 1, "processes": 3} for n in range(namespaces)]
    here = make.worker(tcp=make.tcp(namespaces=rows), redis=make.redis(make.instance(address="127.0.0.1", netns=None)))
    peer = peer_of({make.HOST: here}, ("127.0.0.1", make.REDIS_PORT), "127.0.0.1")
    assert (peer.redis is not None) is known


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ({}, "no looked-at host has the address"),
        ({"larder": make.server(), "pantry": make.server()}, "2 hosts have the address"),
        ({"larder": make.server(redis=make.no_redis())}, "no Redis was seen at"),
        ({"larder": {**make.server(), "redis": None}}, "Redis facts were not gathered there"),
        (
            {"larder": make.server(redis=make.redis(errors=[{"source": "psutil", "reason": "gone"}], instances=None))},
            "could not be looked for there: psutil: gone",
        ),
        ({"larder": make.server(redis=make.redis(make.instance(address="127.0.0.1")))}, "no Redis was seen at"),
        ({"larder": make.server(redis=make.redis(make.instance(port=6492)))}, "no Redis was seen at"),
        (
            {"larder": make.server(redis=make.redis(make.instance(), make.instance(pid=9, address="::")))},
            "2 Redis instances could be the one",
        ),
        (
            {"larder": make.server(tcp=listening(listener(make.THERE, make.REDIS_PORT, 555)), redis=make.no_redis())},
            "what listens there is no Redis",
        ),
        (
            {
                "larder": make.server(
                    tcp=listening(listener("::", make.REDIS_PORT, 811), listener(make.THERE, make.REDIS_PORT, 555, 77)),
                    redis=make.redis(make.instance(address="::")),
                )
            },
            "something else listens there as well",
        ),
        ({"larder": {**make.server(), "tcp": None}}, "the addresses of 1 hosts are not known"),
    ],
)
def test_unknown_and_ambiguous_is_said(others: dict[str, make.Fact], says: str) -> None:
    peer = peer_of(fleet(**others))
    assert peer.redis is None
    assert says in peer.reason


def test_hosts_that_gave_nothing_are_counted() -> None:
    assert "the addresses of 2 hosts are not known" in peer_of(fleet(), blind=("a", "b")).reason


def test_link_local_names_no_host() -> None:
    odd = make.server(tcp=listening(addresses=["fe80::2"]), redis=make.redis(make.instance(address="::")))
    assert peer_of(fleet(larder=odd), ("fe80::2", make.REDIS_PORT)).host is None


def test_named_host_settles_what_addresses_leave_open() -> None:
    peer = peer_of(fleet(larder=make.server(), pantry=make.server()), redis_host="pantry")
    assert (peer.host, peer.redis is not None) == ("pantry", True)


def test_named_host_behind_a_proxy() -> None:
    assert peer_of(fleet(larder=make.server()), ("203.0.113.5", make.REDIS_PORT), redis_host="larder").host == "larder"


def test_named_host_does_not_overrule_what_the_facts_say() -> None:
    other = make.server(tcp=listening(addresses=["192.0.2.9"]), redis=make.redis(make.instance(timeout=9)))
    peer = peer_of(fleet(larder=make.server(), pantry=other), redis_host="pantry")
    assert peer.host == "larder"


@pytest.mark.parametrize(
    ("remote", "redis_host", "says"),
    [
        (AWAY, "nowhere", "nowhere was named as the Redis host, but gave no facts"),
        ((make.THERE, 5432), "larder", "larder was named as the Redis host: no Redis was seen at port 5432"),
    ],
)
def test_named_host_that_cannot_be_it(remote: tuple[str, int], redis_host: str, says: str) -> None:
    peer = peer_of(
        fleet(larder=make.server(redis=make.redis(make.instance(address="127.0.0.1")))), remote, redis_host=redis_host
    )
    assert peer.redis is None
    assert says in peer.reason


def test_cut_list_of_redis_is_mentioned() -> None:
    cut = make.server(redis=make.redis(make.instance(port=7000), omitted=3))
    assert "3 more exist" in peer_of(fleet(larder=cut)).reason
