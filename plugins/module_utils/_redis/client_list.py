# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``CLIENT LIST`` answers. Pure; the tests feed it captured output of several servers.

A line per client, ``name=value`` with spaces between. Fields come in an order that differs between versions, and newer
servers have more of them (https://redis.io/docs/latest/commands/client-list/), so they are read by name. The path of a
unix socket, which is the address of its clients, may hold spaces.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._redis import reply as redis_reply

#: ``id`` is there since Redis 2.8.12, ``laddr`` since 6.2.
_NEEDED = frozenset(("id", "addr", "age", "idle", "flags"))
_FIELD = re.compile(r"([a-z][a-z-]*)=(.*?)(?= [a-z][a-z-]*=|$)")
#: sub: channels, psub: patterns, ssub: shard channels (Redis 7.0)
_SUBSCRIPTIONS = ("sub", "psub", "ssub")


class Client(NamedTuple):
    """A client as the server sees it. ``id`` is never given to another one while the server runs.

    ``addr``: its own end as the server spells it. ``age`` and ``idle`` in whole seconds. ``server``: the server's own
    end (``laddr``, Redis 6.2), ``user``: ACL user (Redis 6.0); None from older servers.
    """

    id: int
    addr: str
    name: str
    age: int
    idle: int
    flags: str
    server: Optional[tuple[str, int]] = None
    subscriptions: int = 0
    user: Optional[str] = None
    command: str = ""

    @property
    def end(self) -> tuple[str, int]:
        """Its own end, as :func:`endpoint` spells it."""
        return endpoint(self.addr)


def parse(text: str) -> list[Client]:
    """The clients. Raises RedisError: redis-cli prints an error in the place of the list, without any mark."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    records = [dict(_FIELD.findall(line)) for line in lines]
    for line, record in zip(lines, records):
        if not set(record) >= _NEEDED:
            raise redis_reply.error_reply(line)
    return [_client(record) for record in records]


def endpoint(text: str) -> tuple[str, int]:
    """``127.0.0.1:6379`` or ``[::1]:6379``; a unix socket is ``/path:0``. An IPv4 address in IPv6 is the IPv4 one."""
    address, _colon, port = text.rpartition(":")
    return plain(address), int(port) if port.isdigit() else 0


def plain(address: str) -> str:
    """One spelling per address."""
    bare = address.strip("[]").lower()
    return bare[len("::ffff:") :] if bare.startswith("::ffff:") and "." in bare else bare


def _client(record: dict[str, str]) -> Client:
    return Client(
        id=int(record["id"]),
        addr=record["addr"],
        name=record.get("name", ""),
        age=int(record["age"]),
        idle=int(record["idle"]),
        flags=record["flags"],
        server=endpoint(record["laddr"]) if "laddr" in record else None,
        subscriptions=sum(int(record.get(name, "0")) for name in _SUBSCRIPTIONS),
        user=record.get("user"),
        command=record.get("cmd", ""),
    )
