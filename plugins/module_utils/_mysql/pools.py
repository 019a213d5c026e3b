# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which client pools a ``wait_timeout`` closes connections of, and the ``pool_recycle`` that prevents it. Pure."""

from __future__ import annotations

from typing import Iterable, NamedTuple, Optional, Sequence

LONGEST_S = 31536000
#: Below it, ordinary pauses between two queries are longer, whatever the process list shows at one moment.
SHORTEST_USUAL_S = 30
_SERVER_USERS = ("system user", "event_scheduler")
_CROWDED = 0.8


class Session(NamedTuple):
    """``host``: address without port; ``time_s``: seconds in the present command; "Sleep" is idle."""

    id: int
    user: str
    host: str
    command: str
    time_s: int


class Pool(NamedTuple):
    """Idle sessions of one user from one address. ``needs_pool_recycle``: idle for half of the timeout or longer."""

    user: str
    host: str
    idle: int
    longest_idle_s: int
    needs_pool_recycle: bool


class Load(NamedTuple):
    """What else the server says: connections now and at most, whether all sessions could be seen."""

    connected: int
    max_connections: int
    all_seen: bool


def sessions(rows: Iterable[Sequence[str]]) -> list[Session]:
    """From rows of (id, user, host:port, command, time); without the server's own threads."""
    found = [Session(int(row[0]), row[1], ends(row[2])[0], row[3], seconds(row[4])) for row in rows]
    return [item for item in found if item.user not in _SERVER_USERS and item.command != "Daemon"]


def seconds(text: str) -> int:
    """MariaDB counts the time of a command as a decimal number; NULL is none."""
    return max(0, int(float(text))) if text not in ("NULL", "") else 0


def ends(host: str) -> tuple[str, Optional[int]]:
    """Address and port of a client as the process list has it; no port for one that came by the unix socket."""
    address, colon, port = host.rpartition(":")
    return (address, int(port)) if colon and port.isdigit() else (host, None)


def pools(seen: Iterable[Session], wait_timeout: int) -> list[Pool]:
    """Pools with the longest idle first."""
    idle: dict[tuple[str, str], list[int]] = {}
    for item in seen:
        if item.command == "Sleep":
            idle.setdefault((item.user, item.host), []).append(item.time_s)
    found = [
        Pool(user, host, len(times), max(times), max(times) * 2 >= wait_timeout) for (user, host), times in idle.items()
    ]
    return sorted(found, key=lambda pool: (-pool.longest_idle_s, pool.user, pool.host))


def largest_pool_recycle(wait_timeout: int) -> Optional[int]:
    """Seconds; None when there is none that is safe.

    A pool that recycles by age never hands out a connection that is older, so none that was idle for longer. The margin
    is for the time between that check and the query, and for clocks that count whole seconds.
    """
    return (wait_timeout - max(1, min(60, wait_timeout // 10))) or None


def refusal(wanted: int, now: int, found: Sequence[Pool], load: Load) -> Optional[str]:
    """Why that timeout would make the next incident, None when it would not as far as can be seen.

    For ``interactive_timeout`` as well: which sessions are interactive ones the process list does not tell.
    """
    if wanted >= now:
        return None
    if not load.all_seen:
        return (
            "only sessions of the same user could be seen (the PROCESS privilege is missing), so nobody knows how long "
            "others are idle"
        )
    longer = [pool for pool in found if pool.longest_idle_s >= wanted]
    if longer:
        names = ", ".join("%s from %s (%d s)" % (pool.user, pool.host, pool.longest_idle_s) for pool in longer[:5])
        return "connections are idle for longer now: %s" % names
    if wanted < SHORTEST_USUAL_S:
        return "pauses of %d seconds between two queries are usual" % wanted
    return None


def range_problem(name: str, value: int) -> Optional[str]:
    """Why the server would not take the value as it is, None when it would."""
    if 1 <= value <= LONGEST_S:
        return None
    advice = "" if value else " 0 is not never, as in Redis: the server makes it 1 and closes nearly every connection."
    return "%s must be from 1 to %d seconds, not %d.%s" % (name, LONGEST_S, value, advice)


def warnings(wanted: int, now: int, found: Sequence[Pool], load: Load) -> list[str]:
    """What the one who sets it should know."""
    said = []
    needy = [pool for pool in found if pool.needs_pool_recycle]
    recycle = largest_pool_recycle(wanted)
    if needy:
        names = ", ".join("%s from %s (idle %d s)" % (pool.user, pool.host, pool.longest_idle_s) for pool in needy[:5])
        advice = "pool_recycle of at most %d seconds" % recycle if recycle else "pool_pre_ping"
        said.append("These client pools need a %s, or they get closed connections: %s." % (advice, names))
    if wanted != now and load.connected > 1:
        said.append(
            "%d sessions that are connected keep their value; the new one is for sessions that connect from now on."
            % (load.connected - 1)
        )
    if wanted > now and load.connected >= _CROWDED * load.max_connections:
        said.append(
            "%d of max_connections %d are in use, and a longer wait_timeout keeps idle ones for longer."
            % (load.connected, load.max_connections)
        )
    return said
