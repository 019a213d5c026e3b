# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running server tells about its clients: how many, how long idle, and who is idle inside of a transaction.

Sources: SHOW GLOBAL STATUS, information_schema.PROCESSLIST and INNODB_TRX, which the PROCESS privilege opens.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._mysql import pools as mysql_pools
from ansible_collections.closewait.remediation.plugins.module_utils._mysql.cli import MysqlCli, MysqlError

COUNTERS = ("Aborted_clients", "Max_used_connections", "Uptime")
_STATUS = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Aborted_clients', 'Max_used_connections', 'Uptime');"
_IN_TRANSACTION = """SELECT p.ID, p.USER, p.HOST, p.TIME FROM information_schema.PROCESSLIST p
 JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID
 WHERE p.COMMAND = 'Sleep' AND p.ID <> CONNECTION_ID();"""


class Counters(NamedTuple):
    """Since the server started, ``uptime_s`` seconds ago.

    ``aborted_clients``: sessions that ended without a goodbye: idle for too long, killed, or the client died.
    """

    aborted_clients: int
    most_connected: int
    uptime_s: int


class Held(NamedTuple):
    """A session that is idle inside of a transaction, so nobody gave it back. ``port`` None: not over TCP."""

    id: int
    user: str
    host: str
    port: Optional[int]
    idle_s: int


def counters(cli: MysqlCli) -> Counters:
    """Raises MysqlError."""
    rows = {row[0].lower(): row[1] for row in cli.rows(_STATUS) if len(row) == 2}
    try:
        aborted, most, uptime = (int(rows[name.lower()]) for name in COUNTERS)
    except (KeyError, ValueError) as exc:
        raise MysqlError("the server answered %r" % rows) from exc
    return Counters(aborted, most, uptime)


def held(cli: MysqlCli) -> list[Held]:
    """Those that are idle for longest first. Raises MysqlError, so without the PROCESS privilege."""
    return sorted((parse_held(row) for row in cli.rows(_IN_TRANSACTION)), key=lambda one: (-one.idle_s, one.id))


def parse_held(row: Sequence[str]) -> Held:
    """From (id, user, host:port, seconds)."""
    address, port = mysql_pools.ends(row[2])
    return Held(int(row[0]), row[1], address, port, mysql_pools.seconds(row[3]))
