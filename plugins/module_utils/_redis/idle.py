# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clients a ``timeout`` would close at once, from ``CLIENT LIST``. Pure.

The rule is that of ``clientsCronHandleTimeout`` (src/timeout.c, in old versions src/server.c or src/redis.c). It was
read in Redis 3.0 to 7.2 and Valkey 8.0 and is the same: a client is closed when it is idle for more than ``timeout``
seconds, unless it is a replica, a monitor, the primary, blocked (BLPOP and the like) or subscribed. A client that is
blocked or subscribed only now and then is exempt only meanwhile.
"""

from __future__ import annotations

from typing import Any, Iterable, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._redis.client_list import Client

#: Letters of ``flags`` that exempt: replica, monitor, primary, blocked, subscribed.
_EXEMPT = frozenset("SOMbP")
_MOST_SHOWN = 20
_SHOWN = ("id", "addr", "name", "age", "idle", "flags")


def exempt(client: Client) -> bool:
    """Whether the server keeps it however long it is idle."""
    return not _EXEMPT.isdisjoint(client.flags)


def beyond(found: Iterable[Client], timeout: int) -> list[Client]:
    """Those that this ``timeout`` would close, longest idle first; 0 closes nobody."""
    if timeout == 0:
        return []
    return sorted((one for one in found if not exempt(one) and one.idle > timeout), key=lambda one: -one.idle)


def figures(found: list[Client], timeout: int) -> dict[str, Any]:
    """For results: exact counts, and the longest idle ones of those that would be closed."""
    closed = beyond(found, timeout)
    idle = [one.idle for one in found if not exempt(one)]
    return {
        "clients": len(found),
        "exempt": sum(exempt(one) for one in found),
        "longest_s": max(idle) if idle else None,
        "beyond": len(closed),
        "longest": [_row(one) for one in closed[:_MOST_SHOWN]],
        "omitted": max(0, len(closed) - _MOST_SHOWN),
    }


def sentence(found: list[Client], timeout: int) -> Optional[str]:
    """What the ``timeout`` would do to the clients, with figures; None when it would do nothing."""
    closed = beyond(found, timeout)
    if not closed:
        return None
    rows = ", ".join("%s%s age %d s idle %d s" % (one.addr, _named(one), one.age, one.idle) for one in closed[:3])
    return "timeout %d closes %d of %d clients at once, as they are idle for longer (half_closed_spin): %s%s" % (
        timeout,
        len(closed),
        len(found),
        rows,
        " and others" if len(closed) > 3 else "",
    )


def _row(client: Client) -> dict[str, Any]:
    return {name: getattr(client, name) for name in _SHOWN}


def _named(client: Client) -> str:
    return " (%s)" % client.name if client.name else ""
