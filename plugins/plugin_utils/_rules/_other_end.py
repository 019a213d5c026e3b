# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A half-closed connection as the host at its other end shows it: who listens there, and what it has left of it."""

from __future__ import annotations

from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import ClosingSocket, Holder, TcpFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._peers import WILDCARDS, plain
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Connection, Place, Scene

NOT_LISTED = "it lists no such connection any more (it is over there, or its address is translated on the way)"


def view(scene: Scene, connection: Connection) -> dict[str, Any]:
    """``{host, process, socket, reason}``: inventory name, listening ``{pid, name}``, state there, why one is None."""
    place = scene.place_of(connection)
    facts = scene.fleet.get(place.host) if place.host else None
    tcp = facts.get("tcp") if facts else None
    if place.host is None or tcp is None:
        reason = place.reason or f"{place.host} gave no facts about TCP"
        return {"host": place.host, "process": None, "socket": None, "reason": reason}
    state, reason = _state(tcp, connection, place)
    listening = _listening(tcp, place)
    process = {"pid": listening["pid"], "name": listening["name"]} if listening else None
    return {"host": place.host, "process": process, "socket": state, "reason": reason}


def told(seen: dict[str, Any]) -> str:
    """The same in words."""
    if seen["host"] is None:
        return f"other end not seen: {seen['reason']}"
    process = seen["process"]
    who = f"{process['name']} ({process['pid']}) on {seen['host']}" if process else f"on {seen['host']}"
    return f"other end: {who}; {'it is in ' + seen['socket'] + ' there' if seen['socket'] else seen['reason']}"


def _state(tcp: TcpFacts, connection: Connection, place: Place) -> tuple[str | None, str]:
    closing = tcp.get("closing")
    if closing is None or connection.local is None:
        return None, "what it has left of the connection was not looked at"
    for socket in closing["sockets"]:
        if _is_it(socket, connection, place):
            return socket["state"], ""
    if closing["omitted"]:
        return None, f"{closing['omitted']} connections that it has closed were cut off its list"
    return None, NOT_LISTED


def _is_it(socket: ClosingSocket, connection: Connection, place: Place) -> bool:
    return (
        connection.local is not None
        and _same(socket["remote"], connection.local)
        and _same(socket["local"], connection.remote)
        and place.netns in (None, socket["netns"])
    )


def _same(one: Endpoint, other: Endpoint) -> bool:
    return one["port"] == other["port"] and plain(one["address"]) == plain(other["address"])


def _listening(tcp: TcpFacts, place: Place) -> Holder | None:
    """Who listens there: the first holder, where all are processes of one name."""
    sockets = tcp["listeners"]["sockets"] if tcp["listeners"] else []
    holders = [
        holder
        for socket in sockets
        if socket["port"] == place.port
        and plain(socket["address"]) in (place.address, *WILDCARDS)
        and place.netns in (None, socket["netns"])
        for holder in socket["holders"]
    ]
    return holders[0] if len({holder["name"] for holder in holders}) == 1 else None
