# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running server: its variables, its sessions, and how it was started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._mysql import conf as mysql_conf
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import pools as mysql_pools
from ansible_collections.closewait.remediation.plugins.module_utils._mysql.cli import MysqlCli, MysqlError

NAMES = ("wait_timeout", "interactive_timeout")
_ASKED = """SELECT @@GLOBAL.wait_timeout, @@GLOBAL.interactive_timeout, @@GLOBAL.max_connections,
 @@version, @@version_comment, @@pid_file, @@datadir, @@socket, @@port;"""
_SESSIONS = """SHOW GLOBAL STATUS LIKE 'Threads_connected';
SELECT ID, USER, HOST, COMMAND, TIME FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID();"""
_MORE_LOOKS = 4


class Server(NamedTuple):
    """``product``: mariadb or mysql; ``settings``: global values in seconds; ``pid_file`` as the server sees it."""

    settings: dict[str, int]
    max_connections: int
    version: str
    product: str
    pid_file: str
    socket: str
    port: int


class Seen(NamedTuple):
    """Sessions of others, and how full the server is."""

    sessions: list[mysql_pools.Session]
    load: mysql_pools.Load


def ask(cli: MysqlCli) -> Server:
    """What the server says of itself. Raises MysqlError."""
    rows = cli.rows(_ASKED)
    if len(rows) != 1 or len(rows[0]) != 9:
        raise MysqlError("the server answered %r" % rows)
    wait, interactive, most, version, comment, pid_file, datadir, socket, port = rows[0]
    return Server(
        {"wait_timeout": int(wait), "interactive_timeout": int(interactive)},
        int(most),
        version,
        "mariadb" if "mariadb" in (version + comment).lower() else "mysql",
        os.path.join(datadir, pid_file),
        socket,
        int(port),
    )


def look(cli: MysqlCli, server: Server) -> Seen:
    """Who is connected besides the one that asks. Raises MysqlError.

    Where fewer are listed than are connected, either some may not be seen, or one left in between: look again.
    """
    found, load = _look(cli, server)
    for _attempt in range(_MORE_LOOKS):
        if load.all_seen:
            break
        found, load = _look(cli, server)
    return Seen(found, load)


def _look(cli: MysqlCli, server: Server) -> tuple[list[mysql_pools.Session], mysql_pools.Load]:
    status, *rows = cli.rows(_SESSIONS)
    connected = int(status[1])
    found = mysql_pools.sessions(rows)
    return found, mysql_pools.Load(connected, server.max_connections, len(found) >= connected - 1)


def put(cli: MysqlCli, settings: Mapping[str, int]) -> None:
    """Set global values. Raises MysqlError."""
    cli.rows("".join("SET GLOBAL %s = %d;\n" % (name, value) for name, value in sorted(settings.items())))


def command_line(pid_file: str, proc: str = "/proc") -> Optional[list[str]]:
    """How the server was started, None when it does not run here or cannot be looked at."""
    try:
        pid = int(Path(pid_file).read_text(encoding="ascii"))
        raw = Path(proc, str(pid), "cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    words = raw.rstrip(b"\0").decode("utf-8", "replace").split("\0")
    return words if os.path.basename(words[0]) in ("mariadbd", "mysqld") else None


def option(argv: list[str], name: str) -> Optional[str]:
    """Value of ``--name=value`` or ``--name value`` in a command line, underscores or dashes; the last one wins."""
    found = None
    for word, following in zip(argv[1:], [*argv[2:], ""]):
        flag, equals, value = word.partition("=")
        if flag.startswith("--") and mysql_conf.normal(flag[2:]) == name:
            found = value if equals else following
    return found
