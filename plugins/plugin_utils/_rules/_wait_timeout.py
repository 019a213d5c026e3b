# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a database ended a connection, judged by its ``wait_timeout``, and how long that may safely be instead.

MariaDB resets a session that was idle for ``wait_timeout`` (SO_LINGER 0), so the client's socket is in no listing any
more; a KILL gives a FIN. MySQL says a word of its own before it closes, which also comes as a FIN.
"""

from __future__ import annotations

import math

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Cause, CauseStatus, Remedy
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.mysql import MysqlInstance
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Bounds
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._databases import Database
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

SETTING = "wait_timeout"
ANSWER = "set closewait_mysql_username and closewait_mysql_password where it does not let in root"


def cause(database: Database, silent: list[float], idle: list[Bounds], thresholds: Thresholds) -> Cause:
    """Why they ended. ``silent``: of those reset, seconds since data came; ``idle``: of those closed, at their FIN."""
    status, summary = _judged(database, silent, idle, thresholds)
    return _cause(database, status, f"{database.name}: {summary}")


def threatens(database: Database, idle_s: int) -> Cause:
    """The cause of what has not happened yet: a session that nobody gave back runs into the timeout."""
    instance = database.instance
    limit = instance["wait_timeout"] if instance else None
    return _cause(database, "likely", f"{database.name} ends sessions idle for {limit} s; idle for {idle_s} s so far")


def _cause(database: Database, status: CauseStatus, summary: str) -> Cause:
    instance = database.instance
    return {
        "status": status,
        "summary": summary,
        "peer": {"address": database.address, "port": database.port, "host": database.host},
        "service": (instance["product"] or "mysql") if instance else None,
        "setting": SETTING if instance else None,
        "value": instance["wait_timeout"] if instance else None,
    }


def _judged(
    database: Database, silent: list[float], idle: list[Bounds], thresholds: Thresholds
) -> tuple[CauseStatus, str]:
    instance = database.instance
    if instance is None:
        return "unknown", f"why it ended the connection is not known: {database.reason}"
    limit = instance["wait_timeout"]
    if limit is None:
        return "unknown", f"its settings could not be read: {instance['error'] or 'no reason given'} ({ANSWER})"
    says = f"it ends sessions idle for {limit} s"
    if silent:
        return _of_resets(instance, limit, max(silent), says, thresholds)
    longest = max((bounds["max"] or bounds["min"] for bounds in idle), default=0.0)
    if longest < limit - thresholds.timeout_slack_s:
        return "refuted", f"{says}, and this one had been idle for {longest:.1f} s: somebody killed it, or shut it down"
    return "likely", f"{says}, and this one had been idle for {longest:.1f} s"


def _of_resets(
    instance: MysqlInstance, limit: int, silent_s: float, says: str, thresholds: Thresholds
) -> tuple[CauseStatus, str]:
    """The moment of a reset is kept nowhere, so the timeout can be refuted and be likely, never proven."""
    uptime, aborted = instance["uptime_s"], instance["aborted_clients"]
    if uptime is not None and uptime < silent_s - thresholds.timeout_slack_s:
        return "refuted", f"it was started {uptime} s ago, since the last data came ({silent_s:.1f} s ago)"
    if silent_s < limit - thresholds.timeout_slack_s:
        return "refuted", f"{says}, and data came {silent_s:.1f} s ago: something else reset it"
    if aborted == 0:
        return "refuted", f"{says}, but has ended none so far (Aborted_clients is 0): something between them reset it"
    return (
        "likely",
        f"{says}; no data for {silent_s:.1f} s; {aborted} sessions ended without a goodbye since it started",
    )


def remedy(database: Database, status: CauseStatus, thresholds: Thresholds) -> list[Remedy]:
    """A longer ``wait_timeout``, where that is known to be safe and would change something."""
    instance = database.instance
    if instance is None or database.host is None or status not in ("proven", "likely"):
        return []
    longer = safe_timeout(instance, thresholds)
    if longer is None:
        return []
    return [
        {
            "action": "mysql_timeout",
            "where": database.host,
            "risk": "config",
            "vars": {
                "seconds": longer,
                "address": instance["address"],
                "port": instance["port"],
                "unix_socket": instance["unix_socket"],
                "pid": instance["pid"],
            },
            "why": f"{SETTING} {instance['wait_timeout']} ends idle sessions; at the rate of now {longer} leaves room",
        }
    ]


def safe_timeout(instance: MysqlInstance, thresholds: Thresholds) -> int | None:
    """The longest ``wait_timeout`` that leaves connections free; None when it is not known or not worth the change.

    Sessions that now end by the timeout stay for longer then. By Little's law they take up the rate at which they come,
    at most ``Aborted_clients`` over the uptime, times the longer stay: that has to fit between the most that were ever
    connected and a share of ``max_connections``.
    """
    limit, most, peak = instance["wait_timeout"], instance["max_connections"], instance["most_connected"]
    aborted, uptime = instance["aborted_clients"], instance["uptime_s"]
    if limit is None or most is None or peak is None or aborted is None or not uptime:
        return None
    room = thresholds.database_room_share * most - peak
    if room <= 0:
        return None
    stay = room * uptime / aborted if aborted else math.inf
    longer = int(min(thresholds.database_longest_timeout_s, limit + stay))
    return longer if longer >= 2 * limit else None
