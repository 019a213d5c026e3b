# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The looked-at nginx in front of a port, where it drags one server after the other down with the same request."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Remedy
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.accept_queues import AcceptQueue
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.nginx import NginxInstance, NginxUpstream
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _peers
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Connection, Scene

#: What another server is still tried for: one that refuses or resets the connection. What times out is not tried again.
ONLY_ERRORS = ["error"]


class Flood(NamedTuple):
    """An upstream in which a request that times out is tried on the next server, and that many times on average."""

    host: str
    instance: NginxInstance
    upstream: NginxUpstream
    attempts_per_request: float


def floods(scene: Scene, row: AcceptQueue) -> list[Flood]:
    """Those that the port belongs to; empty where no such nginx was looked at."""
    return [
        Flood(host, instance, upstream, attempts)
        for host, instance, upstream in _in_front(scene, row)
        if (attempts := upstream["attempts_per_request"] or 0.0) >= scene.thresholds.flood_attempts
        and _tries_after_a_timeout(upstream)
    ]


def untold(scene: Scene, row: AcceptQueue) -> list[str]:
    """Why it is not known whether there is such an upstream in front of the port."""
    unseen = [
        f"whether nginx on {host} tries requests of upstream {upstream['name']} again is unknown: {upstream['unseen']}"
        for host, _instance, upstream in _in_front(scene, row)
        if upstream["unseen"] is not None and _tries_after_a_timeout(upstream)
    ]
    return list(dict.fromkeys(unseen))


def remedy(flood: Flood) -> Remedy:
    """No more than one attempt at a slow server."""
    values = {
        "config_file": flood.instance["config_file"],
        "prefix": flood.instance["prefix"],
        "program": flood.instance["program"],
        "only": [flood.upstream["name"]],
        "proxy_next_upstream": ONLY_ERRORS,
    }
    return {
        "action": "nginx_upstream",
        "where": flood.host,
        "risk": "config",
        "vars": {name: value for name, value in values.items() if value is not None},
        "why": (
            f"nginx tried each request of upstream {flood.upstream['name']} {flood.attempts_per_request:.3g} times on "
            "average: one that times out at a blocked server blocks the next one as well"
        ),
    }


def _in_front(scene: Scene, row: AcceptQueue) -> Iterator[tuple[str, NginxInstance, NginxUpstream]]:
    """The upstreams that the port is a server of."""
    for host, instance in _instances(scene, row):
        for upstream in instance["upstreams"] or []:
            if any(_is(scene, host, instance, row, server["address"]) for server in upstream["servers"]):
                yield host, instance, upstream


def _instances(scene: Scene, row: AcceptQueue) -> Iterator[tuple[str, NginxInstance]]:
    """Of the host itself and of those that gave connections to this port up."""
    givers = {_host_of(scene, row["netns"], row["address"], peer["address"]) for peer in row["by_peer"]}
    for host in sorted({scene.host, *(giver for giver in givers if giver)}):
        nginx = scene.fleet[host].get("nginx") if host in scene.fleet else None
        for instance in (nginx["instances"] or []) if nginx else []:
            yield host, instance


def _host_of(scene: Scene, netns: int, local: str, address: str) -> str | None:
    here, there = Endpoint(address=local, port=0), Endpoint(address=address, port=0)
    return scene.peer_of(Connection(netns, here, there)).host


def _is(scene: Scene, host: str, instance: NginxInstance, row: AcceptQueue, server: str | None) -> bool:
    """Whether the server of the upstream is this port."""
    address, _colon, port = (server or "").rpartition(":")
    if port != str(row["port"]):
        return False
    plain = _peers.plain(address.strip("[]"))
    if _peers.plain(row["address"]) not in (plain, *_peers.WILDCARDS):
        return False
    if _is_loopback(plain):
        return host == scene.host and instance["netns"] in (None, row["netns"])
    tcp = scene.facts.get("tcp")
    return plain in {_peers.plain(own) for own in (tcp["addresses"] or [] if tcp else [])}


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _tries_after_a_timeout(upstream: NginxUpstream) -> bool:
    timeouts = upstream["timeouts"]
    when = any("timeout" in value.split() for value in timeouts.get("proxy_next_upstream", []))
    return when and any(value != "1" for value in timeouts.get("proxy_next_upstream_tries", ["0"]))
