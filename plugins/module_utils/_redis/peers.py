# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the other members of a replication, found from one member and, if there is one, from its Sentinel."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Set, Tuple, TypeVar

from ansible_collections.closewait.remediation.plugins.module_utils._redis import live as redis_live
from ansible_collections.closewait.remediation.plugins.module_utils._redis import replication as redis_replication
from ansible_collections.closewait.remediation.plugins.module_utils._redis.cli import Endpoint, Login, RedisCli
from ansible_collections.closewait.remediation.plugins.module_utils._redis.replication import Place
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError

Answered = TypeVar("Answered")
#: A member is asked without a name first, so that the password goes to none that does not ask for one.
_WANTS_LOGIN = frozenset(("auth_missing", "forbidden"))


class Asking(NamedTuple):
    """How to ask: the client program, who asks, seconds to wait for each answer."""

    client: str
    login: Login
    reply_timeout: float


class Sentinel(NamedTuple):
    """A Sentinel that watches the replication, and who asks it."""

    endpoint: Endpoint
    login: Login


class Member(NamedTuple):
    """``settings`` is None, with ``error``, when they could not be read."""

    place: Place
    role: Optional[str]
    run_id: Optional[str]
    settings: Optional[Dict[str, int]]
    error: Optional[str]


class Peers(NamedTuple):
    """``errors``: what could not be looked at, each with source and reason; ``omitted``: members left out."""

    members: List[Member]
    errors: List[Dict[str, str]]
    omitted: int


def look(start: Endpoint, asking: Asking, sentinel: Optional[Sentinel], most: int) -> Peers:
    """All members but the one at ``start``. Raises RedisError when that one cannot be asked."""
    info = RedisCli(asking.client, start, asking.login, asking.reply_timeout).info()
    own = info.get("run_id", "")
    places: Deque[Place] = deque(redis_replication.neighbours(info))
    errors: List[Dict[str, str]] = []
    if sentinel:
        found, errors = _watched(sentinel, asking, own)
        places.extend(found)
    members, omitted = _visit(start, asking, places, own, most)
    return Peers(members, errors, omitted)


def _visit(start: Endpoint, asking: Asking, places: Deque[Place], own: str, most: int) -> Tuple[List[Member], int]:
    members: List[Member] = []
    seen: Set[Place] = {Place(start.host, start.port)}
    runs = {own}
    while places and len(members) < most:
        place = places.popleft()
        if place in seen:
            continue
        seen.add(place)
        member, more = _member(replace(start, host=place.host, port=place.port, unix_socket=None), place, asking)
        places.extend(more)
        # One server has many addresses: it is its run id that tells it.
        if member.run_id is None or member.run_id not in runs:
            members.append(member)
            runs.update([member.run_id] if member.run_id else [])
    return members, len(set(places) - seen)


def _member(endpoint: Endpoint, place: Place, asking: Asking) -> Tuple[Member, List[Place]]:
    try:
        info = _asked(endpoint, asking, RedisCli.info)
        settings = _asked(endpoint, asking, redis_live.read)
    except RedisError as exc:
        return Member(place, None, None, None, str(exc)), []
    member = Member(place, redis_replication.role(info), info.get("run_id"), settings, None)
    return member, redis_replication.neighbours(info)


def _asked(endpoint: Endpoint, asking: Asking, question: Callable[[RedisCli], Answered]) -> Answered:
    try:
        return question(RedisCli(asking.client, endpoint, Login(), asking.reply_timeout))
    except RedisError as exc:
        if exc.kind not in _WANTS_LOGIN or asking.login == Login():
            raise
    return question(RedisCli(asking.client, endpoint, asking.login, asking.reply_timeout))


def _watched(sentinel: Sentinel, asking: Asking, own: str) -> Tuple[List[Place], List[Dict[str, str]]]:
    """Members of the group that the Sentinel has the server with this run id in."""
    server = RedisCli(asking.client, sentinel.endpoint, sentinel.login, asking.reply_timeout)
    try:
        groups = [[primary, *server.sentinel_replicas(primary.name)] for primary in server.sentinel_primaries()]
    except RedisError as exc:
        return [], [_error(sentinel, str(exc))]
    for group in groups:
        if own in {known.run_id for known in group}:
            return [known.place for known in group], []
    return [], [_error(sentinel, "it watches no group that the instance is in")]


def _error(sentinel: Sentinel, reason: str) -> Dict[str, str]:
    return {"source": "sentinel %s:%d" % (sentinel.endpoint.host, sentinel.endpoint.port), "reason": reason}


def shown(member: Member, wanted: Dict[str, Optional[int]]) -> Dict[str, Any]:
    """For results. ``differs`` is None when the settings could not be read."""
    settings: Dict[str, Optional[int]] = {**(member.settings or dict.fromkeys(redis_live.PARAMETERS))}
    differs = bool(redis_live.differing(member.settings, wanted)) if member.settings else None
    return {**member.place._asdict(), "role": member.role, **settings, "differs": differs, "error": member.error}


def warnings(rows: List[Dict[str, Any]]) -> List[str]:
    """A sentence for each row of :func:`shown` that is not as wanted, or not known to be."""
    return [_warning(row) for row in rows if row["differs"] is not False]


def _warning(row: Dict[str, Any]) -> str:
    where = "%s:%d" % (row["host"], row["port"])
    if row["differs"] is None:
        return "%s of the same replication could not be asked: %s" % (where, row["error"])
    settings = "timeout %(timeout)d and tcp-keepalive %(tcp_keepalive)d" % row
    return "%s (%s) of the same replication still has %s, which counts for its own clients" % (
        where,
        row["role"],
        settings,
    ) + (", and for all of them after a failover" if row["role"] == "replica" else "")
