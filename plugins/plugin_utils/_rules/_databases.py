# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connections lead to a database: to a MariaDB or MySQL server that was seen, or to the port that such have."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.mysql import MysqlInstance
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _peers
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Connection, Place, Scene

#: What IANA gives to mysql.
USUAL_PORT = 3306
NAMES = {"mariadb": "MariaDB", "mysql": "MySQL"}


class Database(NamedTuple):
    """The server at the other end; ``instance`` None: its port says that it is one, and ``reason`` why not more."""

    address: str
    port: int
    host: str | None
    instance: MysqlInstance | None
    reason: str

    @property
    def name(self) -> str:
        """Product, address and port, and the host where that is known."""
        where = f" on {self.host}" if self.host else ""
        return f"{product(self.instance)} {self.address}:{self.port}{where}"


def product(instance: MysqlInstance | None) -> str:
    """What the server is called."""
    return NAMES.get(instance["product"] or "", "the database server") if instance else "what may be a database,"


def on(facts: HostFacts, address: str, port: int) -> MysqlInstance | None:
    """The one server of a host that answers at this address."""
    mysql = facts.get("mysql")
    place = Place(address, port, None, None, "")
    found = _peers.answering(mysql["instances"] or [], facts, place) if mysql else []
    return found[0] if len(found) == 1 else None


def lookup(scene: Scene) -> Callable[[Connection], Database | None]:
    """The lookup for connections of this host: None where nothing says that they lead to a database."""

    def database_of(connection: Connection) -> Database | None:
        place = scene.place_of(connection)
        found, reason = _instance(scene, place)
        if found is None and not reason and place.port != USUAL_PORT:
            return None
        why = reason or place.reason or "no MariaDB or MySQL was seen there"
        return Database(place.address, place.port, place.host, found, "" if found else why)

    return database_of


def _instance(scene: Scene, place: Place) -> tuple[MysqlInstance | None, str]:
    """The one server there; a reason when it is a database but which one cannot be told."""
    facts = scene.fleet.get(place.host) if place.host is not None else None
    mysql = facts.get("mysql") if facts else None
    if facts is None or mysql is None:
        return None, ""
    found = _peers.answering(mysql["instances"] or [], facts, place)
    if len(found) > 1:
        return None, f"{len(found)} servers could be the one there"
    return (found[0], "") if found else (None, "")
