# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of a connection: a pure join of socket addresses with the addresses of the looked-at hosts.

What does not follow from the facts is said, never guessed: an address that several hosts have (a container bridge, a
floating address) names none of them. The one way around is an inventory name given by a person.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.mysql import MysqlInstance
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.redis import RedisInstance
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import (
    Connection,
    Peer,
    PeerLookup,
    Place,
    PlaceLookup,
)

#: Servers that are looked for on every host, and of which is known where they listen.
Instance = TypeVar("Instance", RedisInstance, MysqlInstance)
#: What a socket is bound to that answers at every address.
WILDCARDS = (str(ipaddress.IPv4Address(0)), str(ipaddress.IPv6Address(0)), "*")


class Fleet(NamedTuple):
    """All hosts with facts, indexed by address; ``blind``: hosts whose addresses are not known."""

    facts: Mapping[str, HostFacts]
    by_address: Mapping[str, list[str]]
    blind: list[str]


class _Found(NamedTuple):
    redis: RedisInstance | None
    reason: str


def fleet(facts: Mapping[str, HostFacts], blind: list[str]) -> Fleet:
    """Index the hosts. ``blind``: names of hosts that gave no facts at all."""
    by_address: dict[str, list[str]] = {}
    without = list(blind)
    for name, host in facts.items():
        tcp = host.get("tcp")
        if tcp is None or tcp["addresses"] is None:
            without.append(name)
            continue
        for address in {plain(address) for address in tcp["addresses"]}:
            if _tells_a_host(address):
                by_address.setdefault(address, []).append(name)
    return Fleet(facts, by_address, without)


def lookup(hosts: Fleet, host: str, redis_host: str | None) -> PeerLookup:
    """The lookup for sockets of one host; ``redis_host`` is the inventory name a person gave, or None."""

    def peer_of(connection: Connection) -> Peer:
        peer = _from_facts(hosts, host, connection)
        if peer.redis is not None or redis_host is None:
            return peer
        return _from_override(hosts, redis_host, peer)

    return peer_of


def plain(address: str) -> str:
    """One spelling per address: an IPv4 address mapped into IPv6 is the IPv4 address, a zone is dropped."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def redis_on(facts: HostFacts, address: str, port: int) -> RedisInstance | None:
    """The one Redis of a host that answers at this address, or else, behind a proxy say, the one at this port."""
    return _instance(facts, Place(address, port, None, None, "")).redis or _at_port(facts, port).redis


def places(hosts: Fleet, host: str) -> PlaceLookup:
    """Where connections of one host lead, as far as addresses tell."""
    return lambda connection: place_of(hosts, host, connection)


def place_of(hosts: Fleet, host: str, connection: Connection) -> Place:
    """Where a connection of that host leads."""
    address, port = plain(connection.remote["address"]), connection.remote["port"]
    if _stays_inside(address, connection):
        return Place(address, port, host, connection.netns, "")
    names = hosts.by_address.get(address, [])
    if len(names) != 1:
        return Place(address, port, None, None, _why_no_host(hosts, address, names))
    return Place(address, port, names[0], None, "")


def answering(instances: Iterable[Instance], facts: HostFacts, place: Place) -> list[Instance]:
    """Those of a host's instances that may be the one at this place; ``facts``: of that host."""
    return [
        instance
        for instance in instances
        if _listens(instance, place.address, place.port) and _may_be_in(instance, place.netns, facts)
    ]


def _from_facts(hosts: Fleet, host: str, connection: Connection) -> Peer:
    place = place_of(hosts, host, connection)
    if place.host is None:
        return Peer(place.address, place.port, None, None, place.reason)
    found = _instance(hosts.facts[place.host], place)
    return Peer(place.address, place.port, place.host, found.redis, found.reason)


def _from_override(hosts: Fleet, redis_host: str, peer: Peer) -> Peer:
    facts = hosts.facts.get(redis_host)
    if facts is None:
        reason = f"{redis_host} was named as the Redis host, but gave no facts"
        return peer._replace(reason=f"{peer.reason}; {reason}")
    found = _at_port(facts, peer.port)
    if found.redis is None:
        return peer._replace(reason=f"{peer.reason}; {redis_host} was named as the Redis host: {found.reason}")
    return peer._replace(host=redis_host, redis=found.redis, reason=f"{redis_host} was named as the Redis host")


def _stays_inside(address: str, connection: Connection) -> bool:
    """Loopback, or an address of the socket's own namespace: the kernel then uses the same address on both ends."""
    local = connection.local
    return _is_loopback(address) or (local is not None and plain(local["address"]) == address)


def _instance(facts: HostFacts, place: Place) -> _Found:
    """The Redis that answers there, on the host with these facts."""
    redis = facts.get("redis")
    if redis is None:
        return _Found(None, "Redis facts were not gathered there")
    if redis["instances"] is None:
        reasons = "; ".join(f"{error['source']}: {error['reason']}" for error in redis["errors"])
        return _Found(None, f"Redis could not be looked for there: {reasons or 'no reason given'}")
    found = answering(redis["instances"], facts, place)
    pids = {instance["pid"] for instance in found}
    where = f"{place.address}:{place.port}"
    if any(pids.isdisjoint(owners) for owners in _owners(facts, place)):
        what = "something else listens there as well" if found else "what listens there is no Redis that was seen"
        return _Found(None, f"{where}: {what}")
    return _only_one(where, found, redis.get("omitted", 0))


def _at_port(facts: HostFacts, port: int) -> _Found:
    redis = facts.get("redis")
    instances = redis["instances"] or [] if redis else []
    found = [instance for instance in instances if any(bound["port"] == port for bound in _bound(instance))]
    return _only_one(f"port {port}", found, redis.get("omitted", 0) if redis else 0)


def _only_one(where: str, candidates: list[RedisInstance], omitted: int) -> _Found:
    if len(candidates) == 1:
        return _Found(candidates[0], "")
    if candidates:
        return _Found(None, f"{len(candidates)} Redis instances could be the one at {where}")
    cut = f" among those listed ({omitted} more exist)" if omitted else ""
    return _Found(None, f"no Redis was seen at {where}{cut}")


def _listens(instance: RedisInstance | MysqlInstance, address: str, port: int) -> bool:
    return any(bound["port"] == port and plain(bound["address"]) in (address, *WILDCARDS) for bound in _bound(instance))


def _bound(instance: RedisInstance | MysqlInstance) -> list[Endpoint]:
    listening = instance.get("listening")
    if listening is not None:
        return listening
    if instance["address"] is None or instance["port"] is None:
        return []
    return [{"address": instance["address"], "port": instance["port"]}]


def _may_be_in(instance: RedisInstance | MysqlInstance, netns: int | None, facts: HostFacts) -> bool:
    """Whether the server lives in that namespace; where its own is not known, only if there is no other."""
    if netns is None:
        return True
    own = instance.get("netns")
    tcp = facts.get("tcp")
    return own == netns if own is not None else tcp is not None and len(tcp["namespaces"]) == 1


def _owners(facts: HostFacts, place: Place) -> list[set[int | None]]:
    """Pids behind every listening socket there, where they are known."""
    tcp = facts.get("tcp")
    sockets = tcp["listeners"]["sockets"] if tcp and tcp["listeners"] else []
    return [
        {holder["pid"] for holder in socket["holders"]}
        for socket in sockets
        if socket["port"] == place.port
        and plain(socket["address"]) in (place.address, *WILDCARDS)
        and place.netns in (None, socket["netns"])
        and socket["holders"]
    ]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _tells_a_host(address: str) -> bool:
    """Loopback and link-local addresses are the same on every host."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (parsed.is_loopback or parsed.is_link_local)


def _why_no_host(hosts: Fleet, address: str, names: list[str]) -> str:
    if names:
        shown = ", ".join(sorted(names)[:3]) + (", …" if len(names) > 3 else "")
        return f"{len(names)} hosts have the address {address} ({shown})"
    missing = f"; the addresses of {len(hosts.blind)} hosts are not known" if hosts.blind else ""
    return f"no looked-at host has the address {address}{missing} (look at it too, or set closewait_redis_host)"
