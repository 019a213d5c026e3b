# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which client of a server is the one to disconnect, and why none is. Pure: a table of cases.

Of a Celery worker it is a connection that only listens (pidbox or gossip). Its end makes the worker's loop raise a lost
connection, upon which the worker gives up *all* its connections and makes new ones, the half-closed one included.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._redis.client_list import Client, plain

#: Flags of CLIENT LIST of clients that are no application's: replicas, masters, monitors.
_OTHERS = {"S": "a replica", "M": "the master", "O": "a monitor"}
#: Flag of a client that has subscribed and does nothing else.
PUBSUB = "P"
_WHY = "it only listens: its end makes the process give up all its connections and connect anew"
_BEHIND = "an address translation or a proxy is between, or the connections have changed: look again"


class Wanted(NamedTuple):
    """A connection as the process has it: its own end. ``id``: the client it was found to be, None when not yet known.

    ``watched``: the event loop of the process waits for it.
    """

    address: str
    port: int
    id: Optional[int] = None
    watched: bool = True
    cookie: Optional[str] = None


class Terms(NamedTuple):
    """What else has to fit: the server's end as the process has it, and the ACL user; None is not asked for."""

    server: Optional[tuple[str, int]] = None
    username: Optional[str] = None


class Choice(NamedTuple):
    """``outcome`` is kill, with the ``client`` and the connection that it is, or gone or refused, without."""

    outcome: str
    reason: str
    client: Optional[Client] = None
    wanted: Optional[Wanted] = None


def choose(clients: Sequence[Client], wanted: Sequence[Wanted], terms: Terms) -> Choice:
    """The client to disconnect. All connections have to be known to the server, or none is touched."""
    if all(_is_gone(clients, one) for one in wanted):
        return Choice("gone", "the server has no client with %s any more" % _ids(wanted))
    pairs = [(one, _found(clients, one)) for one in wanted]
    reason = _unknown([one for one, client in pairs if client is None], len(wanted))
    known = [(one, client) for one, client in pairs if client is not None]
    reason = reason or _elsewhere(known, terms) or _strangers(known, terms)
    if reason:
        return Choice("refused", reason)
    return _oldest_listener(known)


def _is_gone(clients: Sequence[Client], one: Wanted) -> bool:
    return one.id is not None and all(client.id != one.id for client in clients)


def _ids(wanted: Sequence[Wanted]) -> str:
    return "id " + ", ".join(str(one.id) for one in wanted)


def _found(clients: Sequence[Client], one: Wanted) -> Optional[Client]:
    """The one client at that address, and with that id where one is given."""
    same = [client for client in clients if client.end == (plain(one.address), one.port)]
    if len(same) != 1 or one.id not in (None, same[0].id):
        return None
    return same[0]


def _unknown(missing: Sequence[Wanted], total: int) -> Optional[str]:
    if not missing:
        return None
    named = ", ".join("%s:%d" % (one.address, one.port) for one in missing[:3])
    counts = (len(missing), total, named, _BEHIND)
    return "the server does not have %d of %d connections as its clients (%s): %s" % counts


def _elsewhere(known: Sequence[tuple[Wanted, Client]], terms: Terms) -> Optional[str]:
    """Both ends have to fit, where the server tells its own: behind a router an address can be two hosts'."""
    if terms.server is None:
        return None
    meant = (plain(terms.server[0]), terms.server[1])
    for _one, client in known:
        if client.server is not None and client.server != meant:
            ends = (client.id, *client.server, *meant, _BEHIND)
            return "client %d is connected to %s:%d of the server, not to %s:%d: %s" % ends
    return None


def _strangers(known: Sequence[tuple[Wanted, Client]], terms: Terms) -> Optional[str]:
    for _one, client in known:
        kind = next((name for flag, name in _OTHERS.items() if flag in client.flags), None)
        if kind:
            return "client %d is %s" % (client.id, kind)
    users = sorted({client.user for _one, client in known if client.user is not None})
    if terms.username is not None and users not in ([], [terms.username]):
        return "the connections belong to %s, not to %s" % (", ".join(users), terms.username)
    if len(users) > 1:
        return "the connections belong to several users (%s): whose they are is not clear" % ", ".join(users)
    return None


def _oldest_listener(known: Sequence[tuple[Wanted, Client]]) -> Choice:
    listeners = [(client, one) for one, client in known if one.watched and _only_listens(client)]
    if not listeners:
        said = "none of its %d connections is one that its event loop listens on (SUBSCRIBE)" % len(known)
        return Choice("refused", "%s, and the end of another one was seen not to help" % said)
    client, one = min(listeners, key=lambda pair: pair[0].id)
    return Choice("kill", _WHY, client, one)


def _only_listens(client: Client) -> bool:
    return PUBSUB in client.flags and client.subscriptions > 0


def named(choice: Choice) -> Optional[dict[str, object]]:
    """The chosen client in the form of a :class:`Wanted`, with its id."""
    if choice.client is None or choice.wanted is None:
        return None
    return choice.wanted._replace(id=choice.client.id)._asdict()


def listing(choice: Choice) -> str:
    """For a diff: a line for the chosen client; empty without one."""
    client = choice.client
    if client is None:
        return ""
    return "id %d %s:%d flags %s cmd %s\n" % (client.id, *client.end, client.flags, client.command)
