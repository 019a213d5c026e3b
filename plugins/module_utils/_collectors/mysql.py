# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``mysql`` subset: the MariaDB and MySQL servers of this host, their timeouts, and how long clients are idle."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _holders,
    _listening,
    _netns,
    _procfs,
    _tcp_facts,
)
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import activity as mysql_activity
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import cli as mysql_cli
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import pools as mysql_pools
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import process as mysql_process
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import server as mysql_server
from ansible_collections.closewait.remediation.plugins.module_utils._mysql.cli import Endpoint, MysqlCli, MysqlError

Fact = Dict[str, Any]
#: A server is asked without a login first, so that the password goes to none that does not ask for one.
_WANTS_LOGIN = "Access denied"


class Asking(NamedTuple):
    """How to ask: the client program (None: find one), who asks, seconds to wait for each answer."""

    client: Optional[str] = None
    username: Optional[str] = None
    password: Optional[str] = None
    reply_timeout: float = 5.0

    @property
    def named(self) -> bool:
        """Whether there is a login."""
        return self.username is not None or self.password is not None


class Reply(NamedTuple):
    """What one server said. ``held`` None: it does not say who is idle in a transaction."""

    server: mysql_server.Server
    seen: mysql_server.Seen
    counters: mysql_activity.Counters
    held: Optional[List[mysql_activity.Held]]


def collect(asking: Asking, max_items: int, proc: str = "/proc") -> Fact:
    """Every server process of this host, each asked by its unix socket, else on the port that it listens on.

    Never raises for what could not be learned: ``instances`` is null with a reason in ``errors`` when the processes
    cannot be listed, and an instance that gave no settings has an ``error``.
    """
    try:
        found = mysql_process.servers(proc)
    except OSError as exc:
        return {"errors": [{"source": proc, "reason": str(exc)}], "instances": None, "omitted": 0}
    instances = (_instance(stat, asking, max_items, proc) for stat in found[:max_items])
    return {
        "errors": [],
        "instances": [instance for instance in instances if instance],
        "omitted": max(0, len(found) - max_items),
    }


def _instance(stat: _procfs.Stat, asking: Asking, limit: int, proc: str) -> Optional[Fact]:
    """None when the process has ended since it was listed."""
    process = {"pid": stat.pid, "start_time": stat.start_time}
    try:
        place = _listening.listening(stat.pid, proc)
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as exc:
        hidden = {**_sockets([], []), "listening": None, "netns": None}
        return {**process, **hidden, **_silent("its sockets cannot be read (%s): run this as root" % exc.strerror)}
    known = {**process, **_sockets(place.tcp, place.unix), "netns": place.netns.netns}
    try:
        with _netns.entered(place.netns, proc):
            reply = _asked(_endpoints(stat.pid, place, proc), asking)
    except OSError as exc:
        return {**known, **_silent("its network namespace cannot be entered (%s)" % exc.strerror)}
    except MysqlError as exc:
        return {**known, **_silent(str(exc))}
    return {**known, **_said(reply, _clients(place, reply.held, proc), limit)}


def _endpoints(pid: int, place: _listening.Listening, proc: str) -> List[Endpoint]:
    unix = [Endpoint(unix_socket=_listening.reachable(pid, path, proc)) for path in place.unix]
    # Lowest port first: that of the X protocol is ten times the usual one.
    return unix + [Endpoint(host=_dialled(bound[0]), port=bound[1]) for bound in sorted(place.tcp, key=lambda b: b[1])]


def _dialled(address: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - as it is bound, not bound here


def _asked(endpoints: Sequence[Endpoint], asking: Asking) -> Reply:
    """The first answer. Raises MysqlError, with the first reason why there was none."""
    client = mysql_cli.find_client(asking.client)
    if client is None:
        raise MysqlError("there is neither mariadb nor mysql here to ask it with: install the client")
    if not endpoints:
        raise MysqlError("it listens on no socket")
    reasons: List[MysqlError] = []
    for endpoint in endpoints:
        try:
            return _ask(client, endpoint, asking)
        except MysqlError as exc:
            reasons.append(exc)
    raise reasons[0]


def _ask(client: str, endpoint: Endpoint, asking: Asking) -> Reply:
    try:
        return _reply(MysqlCli(client, endpoint, None, asking.reply_timeout))
    except MysqlError as exc:
        if _WANTS_LOGIN not in str(exc) or not asking.named:
            raise
    with mysql_cli.login_file(asking.username, asking.password) as login:
        return _reply(MysqlCli(client, endpoint, login, asking.reply_timeout))


def _reply(cli: MysqlCli) -> Reply:
    server = mysql_server.ask(cli)
    seen = mysql_server.look(cli, server)
    counters = mysql_activity.counters(cli)
    try:
        return Reply(server, seen, counters, mysql_activity.held(cli))
    except MysqlError:
        # INNODB_TRX wants the PROCESS privilege, and the rest tells something without it.
        return Reply(server, seen, counters, None)


def _clients(
    place: _listening.Listening, held: Optional[Sequence[mysql_activity.Held]], proc: str
) -> Dict[int, _holders.Holder]:
    try:
        return mysql_process.clients(place, [one.port for one in held or () if one.port is not None], proc)
    except OSError:
        return {}


def _sockets(tcp: Sequence[tuple[str, int]], unix: Sequence[str]) -> Fact:
    address, port = min(tcp, key=lambda bound: bound[1]) if tcp else (None, None)
    return {
        "address": address,
        "port": port,
        "unix_socket": unix[0] if unix else None,
        "listening": [_tcp_facts.endpoint(bound) for bound in tcp],
    }


def _said(reply: Reply, clients: Dict[int, _holders.Holder], limit: int) -> Fact:
    pools = mysql_pools.pools(reply.seen.sessions, reply.server.settings["wait_timeout"])
    held = reply.held
    return {
        "product": reply.server.product,
        "version": reply.server.version,
        **reply.server.settings,
        "max_connections": reply.server.max_connections,
        "connected": reply.seen.load.connected,
        **reply.counters._asdict(),
        "all_sessions_seen": reply.seen.load.all_seen,
        "pools": [_pool(pool) for pool in pools[:limit]],
        "pools_omitted": max(0, len(pools) - limit),
        "held": None if held is None else [_held(one, clients) for one in held[:limit]],
        "held_omitted": max(0, len(held or ()) - limit),
        "error": None,
    }


def _pool(pool: mysql_pools.Pool) -> Fact:
    return {"user": pool.user, "host": pool.host, "idle": pool.idle, "longest_idle_s": pool.longest_idle_s}


def _held(one: mysql_activity.Held, clients: Dict[int, _holders.Holder]) -> Fact:
    client = clients.get(one.port) if one.port is not None else None
    return {**one._asdict(), "client": _tcp_facts.holder(client) if client else None}


def _silent(error: str) -> Fact:
    unknown: Fact = dict.fromkeys(
        (
            "product",
            "version",
            *mysql_server.NAMES,
            "max_connections",
            "connected",
            *mysql_activity.Counters._fields,
            "all_sessions_seen",
            "pools",
            "held",
        )
    )
    return {**unknown, "pools_omitted": 0, "held_omitted": 0, "error": error}
