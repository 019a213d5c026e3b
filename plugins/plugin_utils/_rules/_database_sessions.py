# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions with a database that have been ended, or are about to be, as facts show them: sorted by who has them.

*Reset*: the fd is open, no listing shows the socket, and it still knows where it led. *Closed*: CLOSE_WAIT. *Held*:
alive, and idle inside of a transaction, so the program has not given it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.mysql import HeldSession, MysqlInstance
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Holder, Socket, VanishedSocket
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _databases
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._databases import Database
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Connection, Scene

Lookup = Callable[[Connection], Database | None]


@dataclass(frozen=True)
class Sessions:
    """What one program has with one database; ``holder`` None: a client elsewhere, named by ``user`` and ``client``."""

    database: Database
    holder: Holder | None
    user: str = ""
    client: str = ""
    reset: list[VanishedSocket] = field(default_factory=list)
    closed: list[Socket] = field(default_factory=list)
    held: list[HeldSession] = field(default_factory=list)

    @property
    def longest_held_s(self) -> int:
        """For how long the one that is idle for longest has been so."""
        return max((session["idle_s"] for session in self.held), default=0)


class Census:
    """All of a host, each under its process (or remote client) and its database."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._database_of: Lookup = _databases.lookup(scene)
        self._by_owner: dict[tuple[object, ...], Sessions] = {}
        self._count_reset()
        self._count_closed()
        self._count_held()

    def __iter__(self) -> Iterator[Sessions]:
        return iter(self._by_owner.values())

    def _of(self, holder: Holder | None, database: Database, user: str = "", client: str = "") -> Sessions:
        server = database.instance
        which = (database.host, server["pid"]) if server else (database.address, database.port)
        who = (holder["pid"], holder["start_time"]) if holder else (user, client)
        return self._by_owner.setdefault((*who, *which), Sessions(database, holder, user, client))

    def _count_reset(self) -> None:
        tcp = self._scene.facts.get("tcp")
        vanished = tcp.get("vanished") if tcp else None
        for socket in vanished["sockets"] if vanished else []:
            database = self._database_of(Connection(socket["netns"], socket["local"], socket["remote"]))
            if database and socket["holders"]:
                self._of(socket["holders"][0], database).reset.append(socket)

    def _count_closed(self) -> None:
        tcp = self._scene.facts.get("tcp")
        close_wait = tcp["close_wait"] if tcp else None
        for socket in close_wait["sockets"] if close_wait else []:
            if not socket["holders"]:
                continue
            database = self._database_of(Connection(socket["netns"], socket["local"], socket["remote"]))
            if database:
                self._of(socket["holders"][0], database).closed.append(socket)

    def _count_held(self) -> None:
        mysql = self._scene.facts.get("mysql")
        for instance in (mysql["instances"] or []) if mysql else []:
            database = _own(self._scene.host, instance)
            for session in instance["held"] or []:
                self._of(session["client"], database, session["user"], session["host"]).held.append(session)


def _own(host: str, instance: MysqlInstance) -> Database:
    where = instance["address"] or instance["unix_socket"] or "?"
    return Database(where, instance["port"] or 0, host, instance, "")
