# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option files, pools and command lines of MariaDB and MySQL."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import cli as mysql_cli
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import conf as mysql_conf
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import conf_files as mysql_conf_files
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import pools as mysql_pools
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import server as mysql_server
from ansible_collections.closewait.remediation.plugins.module_utils._mysql.conf import MysqlConfError
from ansible_collections.closewait.remediation.plugins.module_utils._mysql.pools import Load, Pool

TEXT = """wait_timeout = 1
[client]
wait_timeout=2
[ mysqld ]
# wait_timeout=3
; wait_timeout=4
Wait-Timeout = "5"  # as found
loose-interactive_timeout 6
skip-networking
init-connect = "SET x='#'"
[mariadb-10.11]
wait_timeout=7
[mariadb-client]
wait_timeout=8
!includedir /etc/more.d/
"""


def test_options_of_the_server_are_told_from_others() -> None:
    lines = mysql_conf.parse("/x", TEXT)
    found = [(line.number, line.name, line.value) for line in lines if mysql_conf.is_server_group(line.group)]
    assert found == [
        (7, "wait_timeout", "5"),
        (9, "skip_networking", None),
        (10, "init_connect", "SET x='#'"),
        (12, "wait_timeout", "7"),
    ]
    last = mysql_conf.last(lines, "wait_timeout")
    assert last is not None
    assert last.number == 12
    assert mysql_conf.last(lines, "port") is None
    assert [(line.kind, line.name) for line in lines if line.kind != "option"] == [("includedir", "/etc/more.d/")]


@pytest.mark.parametrize(
    ("group", "readers"),
    [("mysqld", 1), ("server", 1), ("mysqld-8.4", 1), ("mysqld_safe", 0), ("mysql", 0), ("", 0)],
)
def test_groups(group: str, readers: int) -> None:
    assert mysql_conf.is_server_group(group) == readers


@pytest.fixture(name="main")
def fixture_main(tmp_path: Path) -> Path:
    """my.cnf with a folder of two files, of which one counts."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "b.cnf").write_text("[mysqld]\nwait_timeout=2\n")
    (tmp_path / "conf.d" / "c.txt").write_text("[mysqld]\nwait_timeout=3\n")
    main = tmp_path / "my.cnf"
    main.write_text("[mysqld]\nwait_timeout=1\n!includedir %s/conf.d/\n" % tmp_path)
    return main


@pytest.mark.parametrize(("name", "winner"), [("a.cnf", "b.cnf"), ("z.cnf", "z.cnf")])
def test_files_of_a_folder_are_read_by_name(main: Path, name: str, winner: str) -> None:
    path = str(main.parent / "conf.d" / name)
    tree = mysql_conf_files.read_tree([str(main), "/no/such/my.cnf"], {path: "[mysqld]\nwait_timeout=9\n"})
    last = mysql_conf.last(tree.lines, "wait_timeout")
    assert last is not None
    assert last.path == str(main.parent / "conf.d" / winner)
    assert path in tree.paths
    assert len(tree.paths) == 3


def test_a_folder_that_cannot_be_read_is_an_error(main: Path) -> None:
    main.write_text("!includedir /no/such\n")
    with pytest.raises(MysqlConfError, match="/no/such cannot be read"):
        mysql_conf_files.read_tree([str(main)], {})


def test_files_that_include_each_other_are_an_error(main: Path) -> None:
    main.write_text("!include %s\n" % main)
    with pytest.raises(MysqlConfError, match="deeper than"):
        mysql_conf_files.read_tree([str(main)], {})


ROWS = [
    ("3", "shop", "10.0.0.7:50123", "Sleep", "61"),
    ("4", "shop", "10.0.0.7:50124", "Sleep", "300"),
    ("5", "shop", "10.0.0.8:50125", "Query", "900"),
    ("6", "web", "localhost", "Sleep", "100"),
    ("7", "system user", "", "Connect", "9999"),
    ("8", "event_scheduler", "localhost", "Daemon", "9999"),
    ("9", "new", "[fe80::1]:50126", "Sleep", "NULL"),
]


def test_pools_are_idle_sessions_by_user_and_address() -> None:
    found = mysql_pools.pools(mysql_pools.sessions(ROWS), 600)
    assert found == [
        Pool("shop", "10.0.0.7", 2, 300, True),
        Pool("web", "localhost", 1, 100, False),
        Pool("new", "[fe80::1]", 1, 0, False),
    ]


@pytest.mark.parametrize(
    ("timeout", "recycle"), [(1, None), (2, 1), (4, 3), (19, 18), (20, 18), (600, 540), (601, 541), (28800, 28740)]
)
def test_the_largest_safe_recycle_is_below_the_timeout(timeout: int, recycle: int | None) -> None:
    assert mysql_pools.largest_pool_recycle(timeout) == recycle


FULL = Load(4, 100, True)
POOLS = [Pool("shop", "10.0.0.7", 2, 300, True)]


@pytest.mark.parametrize(
    ("wanted", "pools", "load", "says"),
    [
        (300, POOLS, FULL, "idle for longer now: shop from 10.0.0.7 (300 s)"),
        (301, POOLS, FULL, None),
        (29, [], FULL, "29 seconds"),
        (30, [], FULL, None),
        (500, [], FULL._replace(all_seen=False), "PROCESS privilege"),
        (600, [], FULL._replace(all_seen=False), None),
        (700, [Pool("shop", "x", 1, 9000, True)], FULL, None),
    ],
    ids=["as-idle", "longer-than-idle", "short", "usual", "not-seen", "same", "longer"],
)
def test_only_a_shorter_timeout_can_break_clients(wanted: int, pools: list[Pool], load: Load, says: str | None) -> None:
    refusal = mysql_pools.refusal(wanted, 600, pools, load)
    assert (refusal is None) if says is None else (says in str(refusal))


def test_the_range() -> None:
    values = [-1, 0, 1, 31536000, 31536001]
    assert [value for value in values if mysql_pools.range_problem("wait_timeout", value) is None] == [1, 31536000]


def test_warnings_say_what_to_do() -> None:
    said = mysql_pools.warnings(400, 300, POOLS, Load(90, 100, True))
    assert len(said) == 3
    assert "pool_recycle of at most 360 seconds" in said[0]
    assert said[1].startswith("89 sessions that are connected keep their value")
    assert said[2].startswith("90 of max_connections 100 are in use")
    assert mysql_pools.warnings(300, 300, [], Load(1, 100, True)) == []
    assert "pool_pre_ping" in mysql_pools.warnings(1, 1, POOLS, FULL)[0]


@pytest.mark.parametrize(
    ("argv", "value"),
    [
        (["mariadbd"], None),
        (["mariadbd", "--wait-timeout=5"], "5"),
        (["mariadbd", "--wait_timeout", "6", "--port=1"], "6"),
        (["mariadbd", "--wait_timeout=5", "--loose-wait-timeout=7"], "7"),
        (["mariadbd", "--wait-timeout-x=5", "wait_timeout=6"], None),
    ],
)
def test_options_on_the_command_line(argv: list[str], value: str | None) -> None:
    assert mysql_server.option(argv, "wait_timeout") == value


def test_the_command_line_is_that_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text("77\n")
    (tmp_path / "77").mkdir()
    (tmp_path / "77" / "cmdline").write_bytes(b"/usr/sbin/mariadbd\0--port=1\0")
    pid_file = str(tmp_path / "pid")
    assert mysql_server.command_line(pid_file, str(tmp_path)) == ["/usr/sbin/mariadbd", "--port=1"]
    (tmp_path / "77" / "cmdline").write_bytes(b"/usr/bin/editor\0")
    assert mysql_server.command_line(pid_file, str(tmp_path)) is None
    assert mysql_server.command_line(str(tmp_path / "none"), str(tmp_path)) is None


def test_a_login_is_in_a_file_for_nobody_else_and_then_gone() -> None:
    with mysql_cli.login_file("op\\s", 'a"b#\t') as path:
        assert path is not None
        assert os.stat(path).st_mode & 0o7777 == 0o600
        assert Path(path).read_text() == '[client]\nuser="op\\\\s"\npassword="a\\"b#\\t"\n'
    assert not os.path.exists(path)
    with mysql_cli.login_file(None, None) as path:
        assert path is None


def test_what_no_option_file_can_hold_is_an_error() -> None:
    with pytest.raises(mysql_cli.MysqlError, match="the password has a control character"):
        with mysql_cli.login_file("ops", "a\nb"):
            pass


def test_a_login_file_for_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "login.cnf"
    path.write_text("[client]\n")
    path.chmod(0o600)
    mysql_cli.check_login_file(str(path))
    path.chmod(0o640)
    with pytest.raises(mysql_cli.MysqlError, match="may be read by others"):
        mysql_cli.check_login_file(str(path))
    with pytest.raises(mysql_cli.MysqlError, match="No such file"):
        mysql_cli.check_login_file(str(tmp_path / "none"))
