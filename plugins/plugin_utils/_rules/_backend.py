# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is behind a server of an upstream: the process that listens there, where its host was looked at as well."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Holder, Listener
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _peers, _spin
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Connection, Scene


class Backend(NamedTuple):
    """``said``: what is known of it. ``spins``: it was seen never to sleep. What is not known is None."""

    endpoint: Endpoint | None
    host: str | None
    pid: int | None
    spins: bool
    said: str


def behind(scene: Scene, address: str, netns: int | None) -> Backend:
    """``address`` as nginx logs it, ``netns`` that of nginx."""
    endpoint = _endpoint(address)
    if endpoint is None:
        return Backend(None, None, None, spins=False, said=f"who listens at {address} was not looked for")
    peer = scene.peer_of(Connection(netns, None, endpoint))
    facts = scene.fleet.get(peer.host) if peer.host else None
    if facts is None:
        return Backend(endpoint, peer.host, None, spins=False, said=f"the host of {address} was not looked at")
    holders = _holders(facts, endpoint, netns if peer.host == scene.host else None)
    pids = sorted({holder["pid"] for holder in holders})
    if not pids:
        return Backend(
            endpoint, peer.host, None, spins=False, said=f"who listens at {address} on {peer.host} is not known"
        )
    return _known(scene, facts, endpoint, str(peer.host), pids)


def _known(scene: Scene, facts: HostFacts, endpoint: Endpoint, host: str, pids: list[int]) -> Backend:
    cpu = facts.get("cpu")
    spinning = {process["pid"]: process for process in _spin.spinning(cpu, scene.thresholds)} if cpu else {}
    busy = [spinning[pid] for pid in pids if pid in spinning]
    if busy:
        return Backend(endpoint, host, busy[0]["pid"], spins=True, said=f"{_named(busy[0])} on {host} {_how(busy[0])}")
    pid = pids[0] if len(pids) == 1 else None
    shown = ", ".join(map(str, pids[:3]))
    said = f"process {shown} on {host} listens there and was not seen to spin"
    return Backend(endpoint, host, pid, spins=False, said=said)


def _named(process: Process) -> str:
    return f"process {process['pid']} ({process['name']})"


def _how(process: Process) -> str:
    return f"listens there, never sleeps and uses {process['cpu_percent']:.0f} % of a CPU"


def _holders(facts: HostFacts, endpoint: Endpoint, netns: int | None) -> list[Holder]:
    tcp = facts.get("tcp")
    sockets = tcp["listeners"]["sockets"] if tcp and tcp["listeners"] else []
    return [holder for listener in sockets if _answers(listener, endpoint, netns) for holder in listener["holders"]]


def _answers(listener: Listener, endpoint: Endpoint, netns: int | None) -> bool:
    return (
        listener["port"] == endpoint["port"]
        and _peers.plain(listener["address"]) in (_peers.plain(endpoint["address"]), *_peers.WILDCARDS)
        and netns in (None, listener["netns"])
    )


def _endpoint(address: str) -> Endpoint | None:
    host, _colon, port = address.rpartition(":")
    if address.startswith("unix:") or not port.isdigit():
        return None
    return {"address": host.strip("[]"), "port": int(port)}
