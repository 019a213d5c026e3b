# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``CLIENT LIST`` answers. Pure; the tests feed it captured output of several servers.

A line per client, ``name=value`` with spaces between. Fields come in an order that differs between versions, and newer
servers have more of them (https://redis.io/docs/latest/commands/client-list/), so they are read by name.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _redis_reply

_NEEDED = frozenset(("id", "addr", "flags", "age"))
#: sub: channels, psub: patterns, ssub: shard channels (Redis 7.0)
_SUBSCRIPTIONS = ("sub", "psub", "ssub")


class Client(NamedTuple):
    """A client as the server sees it. ``id`` is never given to another one while the server runs.

    ``server``: the server's own end (``laddr``, Redis 6.2), ``user``: ACL user (Redis 6.0); None from older servers.
    ``age`` in seconds since it connected.
    """

    id: int
    address: str
    port: int
    server: Optional[tuple[str, int]]
    age: int
    flags: str
    subscriptions: int
    user: Optional[str]
    command: str


def parse(text: str) -> list[Client]:
    """The clients. Raises RedisError: redis-cli prints an error in the place of the list, without any mark."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    records = [_fields(line) for line in lines]
    for line, record in zip(lines, records):
        if not set(record) >= _NEEDED:
            raise _redis_reply.error_reply(line)
    return [_client(record) for record in records]


def endpoint(text: str) -> tuple[str, int]:
    """``127.0.0.1:6379`` or ``[::1]:6379``; a unix socket is ``/path:0``. An IPv4 address in IPv6 is the IPv4 one."""
    address, _colon, port = text.rpartition(":")
    return plain(address), int(port) if port.isdigit() else 0


def plain(address: str) -> str:
    """One spelling per address."""
    bare = address.strip("[]").lower()
    return bare[len("::ffff:") :] if bare.startswith("::ffff:") and "." in bare else bare


def _fields(line: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in line.split(" "))
    return {name: value for name, equals, value in pairs if equals}


def _client(record: dict[str, str]) -> Client:
    address, port = endpoint(record["addr"])
    return Client(
        id=int(record["id"]),
        address=address,
        port=port,
        server=endpoint(record["laddr"]) if "laddr" in record else None,
        age=int(record["age"]),
        flags=record["flags"],
        subscriptions=sum(int(record.get(name, "0")) for name in _SUBSCRIPTIONS),
        user=record.get("user"),
        command=record.get("cmd", ""),
    )
