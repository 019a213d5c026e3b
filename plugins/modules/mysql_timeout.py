# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set how long a running MariaDB or MySQL server keeps idle connections."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_timeout
short_description: Set wait_timeout of a running MariaDB or MySQL server, and say which client pools need pool_recycle
version_added: 0.1.0
description:
  - Sets C(wait_timeout), and if wanted C(interactive_timeout), with C(SET GLOBAL), and reads them back. No restart, and
    no connection is closed. Sessions that are connected keep their value.
  - The server closes connections that were idle for C(wait_timeout). A client that does not check before use then gets
    "MySQL server has gone away". The process list tells which clients leave connections idle for how long, and so which
    of them need C(pool_recycle), and the largest one that is safe.
  - It refuses to shorten either of them below the idle times seen, below 30 seconds, or where the sessions of others
    cannot be seen, unless O(allow_shorter) is set; and always what the server would not take as it is, such as V(0).
  - It changes the running server only; M(closewait.remediation.mysql_conf) is for its next start, and the role
    P(closewait.remediation.mysql_timeout#role) does both.
options:
  wait_timeout:
    description: Seconds after which the server closes an idle connection. Without it it is left alone.
    type: int
  interactive_timeout:
    description: The same for interactive clients. Without it it is left alone.
    type: int
  allow_shorter:
    description: Whether to set shorter timeouts than connections are seen to be idle.
    type: bool
    default: false
  host:
    description: Name or address of the server.
    type: str
  port:
    description: TCP port of the server.
    type: int
  unix_socket:
    description:
      - Path of its unix socket. Takes precedence.
      - Without it, O(host) and O(port) the client program uses its own default, which is a socket.
    type: path
  username:
    description: Who asks. Without it the client program's default, for root that is C(root) by the unix socket.
    type: str
  password:
    description: Password of the user. It is handed over in a file of mode 0600 that is removed at once.
    type: str
  login_file:
    description:
      - Option file on the managed host with user and password (C([client])), instead of O(username) and O(password).
      - It must not be readable by others.
    type: path
  client:
    description: The client program. Without it C(mariadb) and then C(mysql) are looked for.
    type: path
  reply_timeout:
    description: Seconds to wait for an answer of the server.
    type: float
    default: 5.0
extends_documentation_fragment:
  - closewait.remediation.attributes
  - closewait.remediation.attributes.remediation_group
attributes:
  check_mode:
    support: full
    details: Where the client program is not installed yet, it warns and predicts a change.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: closewait.remediation.mysql_conf
author:
  - The closewait.remediation maintainers (@closewait)
"""

EXAMPLES = r"""
- name: Keep idle connections for ten hours
  closewait.remediation.mysql_timeout:
    wait_timeout: 36000

- name: Only ask which pools need pool_recycle
  closewait.remediation.mysql_timeout:
  register: mysql
"""

RETURN = r"""
before:
  description: The global values as they were, in seconds. Null where the client program is not installed yet.
  returned: success
  type: dict
  sample: {"wait_timeout": 600, "interactive_timeout": 28800}
after:
  description: As the server reports them afterwards; in check mode as they would be.
  returned: success
  type: dict
  sample: {"wait_timeout": 36000, "interactive_timeout": 28800}
pools:
  description: Idle connections by user and client address, the longest idle first; at most 50.
  returned: success
  type: list
  elements: dict
  contains:
    user:
      description: The user.
      type: str
    host:
      description: Address of the client.
      type: str
    idle:
      description: Number of idle connections.
      type: int
    longest_idle_s:
      description: For how long the one that is idle for longest is, in seconds.
      type: int
    needs_pool_recycle:
      description: Whether that is half of C(wait_timeout) or more, so that the server closes connections of this pool.
      type: bool
largest_pool_recycle_s:
  description: The largest C(pool_recycle) that is safe with this C(wait_timeout), in seconds. Null when none is.
  returned: success
  type: int
  sample: 35940
all_sessions_seen:
  description: Whether the sessions of all users could be seen. Null when nothing could be asked.
  returned: success
  type: bool
client_found:
  description: Whether there is a client program. It can be V(false) in check mode only.
  returned: success
  type: bool
product:
  description: V(mariadb) or V(mysql). Null when nothing could be asked.
  returned: success
  type: str
  sample: mariadb
version:
  description: Version of the server.
  returned: success
  type: str
  sample: 10.11.14-MariaDB
subject:
  description: What tells this server from others on the host, its socket or its address.
  returned: success
  type: str
  sample: /run/mysqld/mysqld.sock
defaults_file:
  description:
    - The option file that it was started with (C(--defaults-file)). Null when none was named, or it cannot be told.
  returned: success
  type: str
on_command_line:
  description: Which of the two settings its command line has. Those win over every file at its next start.
  returned: success
  type: list
  elements: str
"""

from typing import Any, Mapping, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import cli as mysql_cli
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import pools as mysql_pools
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import server as mysql_server
from ansible_collections.closewait.remediation.plugins.module_utils._mysql.cli import MysqlError

_MOST_POOLS = 50


class _StuckError(Exception):
    """A value was changed and could not be put back; the text says which."""


def main() -> None:
    """Ask, judge, and unless in check mode set."""
    module = AnsibleModule(
        argument_spec={
            "wait_timeout": {"type": "int"},
            "interactive_timeout": {"type": "int"},
            "allow_shorter": {"type": "bool", "default": False},
            "host": {"type": "str"},
            "port": {"type": "int"},
            "unix_socket": {"type": "path"},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "login_file": {"type": "path"},
            "client": {"type": "path"},
            "reply_timeout": {"type": "float", "default": 5.0},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**_run(module, module.params))
    except MysqlError as exc:
        module.fail_json(msg="%s. Nothing was changed." % str(exc).rstrip("."))
    except _StuckError as exc:
        module.fail_json(msg=str(exc))


def _run(module: AnsibleModule, params: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {name: params[name] for name in mysql_server.NAMES if params[name] is not None}
    for name, value in wanted.items():
        problem = mysql_pools.range_problem(name, value)
        if problem:
            raise MysqlError(problem)
    client = mysql_cli.find_client(params["client"])
    if client is None:
        if not module.check_mode:
            raise MysqlError("there is neither mariadb nor mysql here: install the client, or say where it is (client)")
        module.warn("There is no client program, so check mode takes the server as not installed yet.")
        return _not_installed(wanted)
    if params["login_file"]:
        if params["username"] or params["password"]:
            raise MysqlError("login_file has the user and the password: leave out username and password")
        mysql_cli.check_login_file(params["login_file"])
    with mysql_cli.login_file(params["username"], params["password"]) as made:
        cli = _cli(client, params, made)
        return _set(module, cli, wanted)


def _cli(client: str, params: Mapping[str, Any], made: Optional[str]) -> mysql_cli.MysqlCli:
    endpoint = mysql_cli.Endpoint(params["host"], params["port"], params["unix_socket"])
    return mysql_cli.MysqlCli(client, endpoint, params["login_file"] or made, params["reply_timeout"])


def _set(module: AnsibleModule, cli: mysql_cli.MysqlCli, wanted: Mapping[str, int]) -> dict[str, Any]:
    server = mysql_server.ask(cli)
    seen = mysql_server.look(cli, server)
    timeout, now = wanted.get("wait_timeout", server.settings["wait_timeout"]), server.settings["wait_timeout"]
    pools = mysql_pools.pools(seen.sessions, timeout)
    if not module.params["allow_shorter"]:
        _refuse(wanted, server.settings, pools, seen.load)
    for text in mysql_pools.warnings(timeout, now, pools, seen.load):
        module.warn(text)
    after = {**server.settings, **wanted}
    if after != server.settings and not module.check_mode:
        after = _changed(cli, server.settings, wanted)
    return {
        "changed": after != server.settings,
        "before": server.settings,
        "after": after,
        "diff": {"before": _lines(server.settings), "after": _lines(after)},
        "pools": [pool._asdict() for pool in pools[:_MOST_POOLS]],
        "largest_pool_recycle_s": mysql_pools.largest_pool_recycle(timeout),
        "all_sessions_seen": seen.load.all_seen,
        "client_found": True,
        **_told(module.params, server),
    }


def _refuse(
    wanted: Mapping[str, int],
    now: Mapping[str, int],
    pools: Sequence[mysql_pools.Pool],
    load: mysql_pools.Load,
) -> None:
    """Raises MysqlError for a setting that is the beginning of the next incident."""
    for name, value in wanted.items():
        refusal = mysql_pools.refusal(value, now[name], pools, load)
        if refusal:
            raise MysqlError(
                "%s %d would break clients (idle_database_connection): %s. Set a longer one, or allow_shorter "
                "when their pools recycle connections in time" % (name, value, refusal)
            )


def _changed(cli: mysql_cli.MysqlCli, before: Mapping[str, int], wanted: Mapping[str, int]) -> dict[str, int]:
    try:
        mysql_server.put(cli, wanted)
        return _read_back(cli, {**before, **wanted})
    except MysqlError as exc:
        _put_back(cli, before, wanted, exc)
        raise


def _put_back(cli: mysql_cli.MysqlCli, before: Mapping[str, int], wanted: Mapping[str, int], cause: MysqlError) -> None:
    try:
        if mysql_server.ask(cli).settings != before:
            mysql_server.put(cli, {name: before[name] for name in wanted})
    except MysqlError as exc:
        raise _StuckError("%s. The values from before, %s, could NOT be put back: %s" % (cause, before, exc)) from exc


def _read_back(cli: mysql_cli.MysqlCli, wanted: dict[str, int]) -> dict[str, int]:
    after = mysql_server.ask(cli).settings
    if after != wanted:
        raise MysqlError("the server has %s instead of %s" % (after, wanted))
    return after


def _told(params: Mapping[str, Any], server: mysql_server.Server) -> dict[str, Any]:
    argv = mysql_server.command_line(server.pid_file) or []
    by_address = "%s:%d" % (params["host"] or "127.0.0.1", params["port"] or 3306)
    tcp = (params["host"] or params["port"]) and not params["unix_socket"]
    return {
        "product": server.product,
        "version": server.version,
        "subject": by_address if tcp else params["unix_socket"] or server.socket,
        "defaults_file": mysql_server.option(argv, "defaults_file"),
        "on_command_line": [name for name in mysql_server.NAMES if mysql_server.option(argv, name) is not None],
    }


def _not_installed(wanted: Mapping[str, int]) -> dict[str, Any]:
    after = {**dict.fromkeys(mysql_server.NAMES), **wanted}
    nothing: dict[str, Any] = dict.fromkeys(("product", "version", "subject", "defaults_file", "all_sessions_seen"))
    return {
        **nothing,
        "changed": bool(wanted),
        "before": dict.fromkeys(mysql_server.NAMES),
        "after": after,
        "pools": [],
        "largest_pool_recycle_s": None,
        "client_found": False,
        "on_command_line": [],
    }


def _lines(settings: Mapping[str, int]) -> str:
    return "".join("%s = %d\n" % item for item in sorted(settings.items()))


if __name__ == "__main__":
    main()
