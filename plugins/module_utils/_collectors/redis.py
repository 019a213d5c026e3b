# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``redis`` subset: the Redis and Valkey servers of this host and their idle timeouts."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _listening, _netns, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._redis import cli as redis_cli
from ansible_collections.closewait.remediation.plugins.module_utils._redis import live as redis_live
from ansible_collections.closewait.remediation.plugins.module_utils._redis import process as redis_process
from ansible_collections.closewait.remediation.plugins.module_utils._redis import sentinel as redis_sentinel
from ansible_collections.closewait.remediation.plugins.module_utils._redis.cli import Endpoint, Login, Tls
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import Identity, RedisError

Fact = Dict[str, Any]
#: A server is asked without a name first, so that the password goes to none that does not ask for one.
_WANTS_LOGIN = frozenset(("auth_missing", "forbidden"))
#: Not a word that Redis would say: the socket may be its cluster bus or its TLS port, so another one is tried.
_WRONG_SOCKET = frozenset(("unreachable", "no_answer"))


class Asking(NamedTuple):
    """How to ask: the client program (None: find one), who asks, seconds to wait for each answer, TLS or not."""

    client: Optional[str] = None
    login: Login = Login()
    reply_timeout: float = 5.0
    tls: Optional[Tls] = None


class Reply(NamedTuple):
    """What one server said; either ``settings`` or ``failure`` is there."""

    settings: Optional[Dict[str, int]] = None
    identity: Optional[Identity] = None
    failure: Optional[RedisError] = None


def collect(asking: Asking, max_items: int, proc: str = "/proc") -> Fact:
    """Every server process of this host, each asked on a socket that it listens on.

    Never raises for what could not be learned: ``instances`` is null with a reason in ``errors`` when the processes
    cannot be listed, and an instance that gave no settings has an ``error``, in the server's words where it said some.
    """
    try:
        found = redis_process.servers(proc)
    except OSError as exc:
        return _facts([{"source": proc, "reason": str(exc)}], None, 0)
    instances = (_instance(stat, asking, proc) for stat in found[:max_items])
    return _facts([], [instance for instance in instances if instance], max(0, len(found) - max_items))


def ask(endpoint: Endpoint, asking: Asking, proc: str = "/proc") -> Fact:
    """The same facts with one instance: the server at this endpoint, on this host or not."""
    reply = _reply(endpoint, asking)
    stat = redis_process.server_with_pid(reply.identity.process_id, proc) if reply.identity else None
    tcp = [] if endpoint.unix_socket else [(endpoint.host, endpoint.port)]
    unix = [endpoint.unix_socket] if endpoint.unix_socket else []
    return _facts([], [{**_process(stat), **_sockets(tcp, unix), **_said(reply)}], 0)


def _facts(errors: List[Dict[str, str]], instances: Optional[List[Fact]], omitted: int) -> Fact:
    return {"errors": errors, "instances": instances, "omitted": omitted}


def _instance(stat: _procfs.Stat, asking: Asking, proc: str) -> Optional[Fact]:
    """None when the process has ended since it was listed."""
    try:
        place = _listening.listening(stat.pid, proc)
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as exc:
        reply = _hidden("its sockets cannot be read", exc)
        return {**_process(stat), **_sockets([], []), "listening": None, **_said(reply)}
    reply = _inside(stat.pid, place, asking, proc)
    return {**_process(stat), **_sockets(place.tcp, place.unix), **_said(reply), "netns": place.netns.netns}


def _inside(pid: int, place: _listening.Listening, asking: Asking, proc: str) -> Reply:
    """Ask from the server's own network namespace, which the client inherits: a container need not publish its port."""
    try:
        with _netns.entered(place.netns, proc):
            return _first_reply(_endpoints(pid, place, asking.tls, proc), asking)
    except OSError as exc:
        return _hidden("its network namespace cannot be entered", exc)


def _hidden(what: str, exc: OSError) -> Reply:
    return Reply(failure=RedisError("hidden", "%s (%s): run this as root" % (what, exc.strerror)))


def _endpoints(pid: int, place: _listening.Listening, tls: Optional[Tls], proc: str) -> List[Endpoint]:
    # Lowest port first: the cluster bus is 10000 above the port of the clients.
    tcp = [Endpoint(host, port, tls=tls) for host, port in sorted(place.tcp, key=lambda bound: bound[1])]
    return tcp + [Endpoint(unix_socket=_listening.reachable(pid, path, proc)) for path in place.unix]


def _first_reply(endpoints: List[Endpoint], asking: Asking) -> Reply:
    reply = Reply(failure=RedisError("deaf", "it listens on no socket"))
    for number, endpoint in enumerate(endpoints):
        another = _reply(endpoint, asking)
        if number == 0 or another.failure is None:
            reply = another
        if another.failure is None or another.failure.kind not in _WRONG_SOCKET:
            return another
    return reply


def _reply(endpoint: Endpoint, asking: Asking) -> Reply:
    try:
        client = redis_cli.find_client(asking.client)
    except RedisError as exc:
        return Reply(failure=exc)
    nobody = _ask(redis_cli.RedisCli(client, endpoint, Login(), asking.reply_timeout))
    if nobody.failure is None or nobody.failure.kind not in _WANTS_LOGIN or asking.login == Login():
        return nobody
    return _ask(redis_cli.RedisCli(client, endpoint, asking.login, asking.reply_timeout))


def _ask(server: redis_cli.RedisCli) -> Reply:
    try:
        settings = redis_live.read(server)
    except RedisError as exc:
        return Reply(failure=redis_sentinel.explained(exc, server))
    try:
        return Reply(settings, server.identity())
    except RedisError:
        # INFO has a permission of its own, and is only good for the version and the name of the file.
        return Reply(settings)


def _process(stat: Optional[_procfs.Stat]) -> Fact:
    return {"pid": stat.pid if stat else None, "start_time": stat.start_time if stat else None, "netns": None}


def _sockets(tcp: List[Tuple[str, int]], unix: List[str]) -> Fact:
    address, port = min(tcp, key=lambda bound: bound[1]) if tcp else (None, None)
    return {
        "address": address,
        "port": port,
        "unix_socket": unix[0] if unix else None,
        "listening": [{"address": bound[0], "port": bound[1]} for bound in tcp],
    }


def _said(reply: Reply) -> Fact:
    settings = reply.settings or dict.fromkeys(redis_live.PARAMETERS)
    identity = reply.identity._asdict() if reply.identity else dict.fromkeys(Identity._fields)
    del identity["process_id"]
    return {**settings, **identity, "error": reply.failure.said if reply.failure else None}
