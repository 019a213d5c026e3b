# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mysql subset: a program in the client's place plays the server, and parsers of what a real one said."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Any, Dict

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _listening, _sock_diag
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import mysql
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import activity as mysql_activity
from ansible_collections.closewait.remediation.plugins.module_utils._mysql import process as mysql_process
from ansible_collections.closewait.remediation.plugins.module_utils._mysql.cli import Endpoint, MysqlError
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    WAIT_S,
    connection,
    stat_line,
    tree,
)

#: Socket "open" lets root in, "shut" wants the login, "few" keeps transactions to itself, all others are not there.
CLIENT = r"""
login=none
for word; do case "$word" in --defaults-extra-file=*) login=$(cat "${word#*=}");; esac; done
echo "$* login=$(echo $login)" >> @/asked
asked=$(cat)
case "$*" in
  *shut*) case "$login" in *'"ops"'*) ;; *) echo "ERROR 1045 (28000): Access denied for user 'root'">&2; exit 1;; esac;;
  *open*|*few*) ;;
  *) echo "ERROR 2002 (HY000): Can't connect to local server" >&2; exit 1;;
esac
case "$asked" in
  *GLOBAL.wait_timeout*) printf '421\t28801\t97\t10.11.9-MariaDB\tDebian\t/run/p\t/var/lib/m/\t/run/s\t3307\n';;
  *INNODB_TRX*) case "$*" in
      *few*) echo "ERROR 1227 (42000): Access denied; you need the PROCESS privilege" >&2; exit 1;;
    esac
    printf '31\tshop\t203.0.113.7:40112\t77\n32\tshop\tlocalhost\t301.25\n';;
  *Threads_connected*) printf 'Threads_connected\t4\n31\tshop\t203.0.113.7:40112\tSleep\t77\n'
    printf '32\tshop\tlocalhost\tSleep\t301.25\n33\tshop\t203.0.113.7:40113\tQuery\t0\n';;
  *Aborted_clients*) printf 'Aborted_clients\t13\nMax_used_connections\t41\nUptime\t9001\n';;
esac
"""
LOGIN = {"username": "ops", "password": "two words"}


@pytest.fixture(name="client")
def fixture_client(tmp_path: Path) -> str:
    """The program; it writes down what it was asked and with which login file."""
    path = tmp_path / "mariadb"
    path.write_text("#!/bin/sh\n" + CLIENT.replace("@", str(tmp_path)))
    path.chmod(0o755)
    return str(path)


def _answer(client: str, *sockets: str, **login: Any) -> Dict[str, Any]:
    asking = mysql.Asking(client, **login, reply_timeout=WAIT_S)
    reply = mysql._asked([Endpoint(unix_socket="/run/%s" % name) for name in sockets], asking)
    return mysql._said(reply, {}, 1)


def test_what_a_server_says(client: str) -> None:
    said = _answer(client, "open", **LOGIN)
    assert (said["product"], said["version"], said["wait_timeout"]) == ("mariadb", "10.11.9-MariaDB", 421)
    assert (said["connected"], said["most_connected"], said["max_connections"]) == (4, 41, 97)
    assert (said["aborted_clients"], said["uptime_s"], said["all_sessions_seen"]) == (13, 9001, True)
    assert said["pools"] == [{"user": "shop", "host": "localhost", "idle": 1, "longest_idle_s": 301}]
    assert (said["pools_omitted"], said["held_omitted"]) == (1, 1)
    assert said["held"] == [
        {"id": 32, "user": "shop", "host": "localhost", "port": None, "idle_s": 301, "client": None}
    ]
    assert "two words" not in (Path(client).parent / "asked").read_text(), "root was let in without it"


def test_a_server_that_denies_root_gets_the_login_and_not_on_the_command_line(client: str) -> None:
    assert _answer(client, "shut", **LOGIN)["wait_timeout"] == 421
    asked = (Path(client).parent / "asked").read_text()
    assert 'password="two words"' in asked
    assert "two words" not in " ".join(line.partition("login=")[0] for line in asked.splitlines())


def test_a_server_that_does_not_answer_never_hears_of_the_login(client: str) -> None:
    with pytest.raises(MysqlError, match="2002"):
        _answer(client, "gone", **LOGIN)
    assert "two words" not in (Path(client).parent / "asked").read_text()


def test_without_a_login_the_reason_is_in_the_words_of_the_server(client: str) -> None:
    with pytest.raises(MysqlError, match="Access denied for user 'root'"):
        _answer(client, "shut")


def test_a_socket_that_does_not_answer_is_passed_over(client: str) -> None:
    assert _answer(client, "gone", "open")["wait_timeout"] == 421


def test_when_none_answers_the_first_reason_is_given(client: str) -> None:
    with pytest.raises(MysqlError, match="1045"):
        _answer(client, "shut", "gone")


def test_transactions_that_may_not_be_seen_are_null_and_the_rest_is_there(client: str) -> None:
    said = _answer(client, "few")
    assert (said["held"], said["wait_timeout"]) == (None, 421)


def test_a_missing_client_is_said() -> None:
    with pytest.raises(MysqlError, match="install the client"):
        mysql._asked([Endpoint(unix_socket="/run/open")], mysql.Asking("/no/such/mariadb"))


def test_a_server_that_listens_nowhere(client: str) -> None:
    with pytest.raises(MysqlError, match="no socket"):
        mysql._asked([], mysql.Asking(client, reply_timeout=WAIT_S))


def test_the_processes_of_servers(tmp_path: Path) -> None:
    proc = tree(
        tmp_path,
        {
            7: {"stat": stat_line(7, "mariadbd", start_time=70)},
            8: {"stat": stat_line(8, "mysqld", state="Z")},
            9: {"stat": stat_line(9, "mariadb")},
            11: {"stat": stat_line(11, "mysqld", start_time=110)},
        },
    )
    assert [(stat.pid, stat.start_time) for stat in mysql_process.servers(proc)] == [(7, 70), (11, 110)]


def test_processes_that_cannot_be_listed_are_not_no_processes(tmp_path: Path) -> None:
    facts = mysql.collect(mysql.Asking(), 10, str(tmp_path / "no-proc"))
    assert facts["instances"] is None
    assert facts["errors"][0]["source"] == str(tmp_path / "no-proc")


def test_a_host_without_servers_has_none(tmp_path: Path) -> None:
    assert mysql.collect(mysql.Asking(), 10, str(tmp_path)) == {"errors": [], "instances": [], "omitted": 0}


def test_a_server_that_may_not_be_looked_into_is_listed_and_too_many_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_pid: int, _proc: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_listening, "listening", denied)
    proc = tree(tmp_path, {pid: {"stat": stat_line(pid, "mariadbd")} for pid in (7, 8, 9)})
    facts = mysql.collect(mysql.Asking(), 2, proc)
    assert facts["omitted"] == 1
    first = facts["instances"][0]
    assert (first["pid"], first["wait_timeout"], first["listening"], first["held"]) == (7, None, None, None)
    assert first["error"] == "its sockets cannot be read (Permission denied): run this as root"


def test_a_server_that_ended_meanwhile_is_not_listed(tmp_path: Path) -> None:
    proc = tree(tmp_path, {7: {"stat": stat_line(7, "mariadbd")}})
    assert mysql.collect(mysql.Asking(), 10, proc)["instances"] == []


@pytest.mark.parametrize(
    ("row", "held"),
    [
        (["31", "shop", "db-client.example:40112", "77"], (31, "shop", "db-client.example", 40112, 77)),
        (["31", "shop", "localhost", "0"], (31, "shop", "localhost", None, 0)),
        (["31", "shop", "2001:db8::7:40112", "12.9"], (31, "shop", "2001:db8::7", 40112, 12)),
    ],
)
def test_a_session_idle_in_a_transaction(row: list[str], held: tuple[object, ...]) -> None:
    assert mysql_activity.parse_held(row) == held


def test_the_process_at_the_other_end() -> None:
    """This process is both ends; the socket at the client's port counts, not the one at the server's."""
    with connection() as both:
        port, served = both.ours.getsockname()[1], both.ours.getpeername()[1]
        place = _listening.listening(os.getpid())._replace(tcp=[("127.0.0.1", served)])
        assert mysql_process.clients(place, [port, 1])[port].fd == both.ours.fileno()
        assert mysql_process.clients(place._replace(tcp=[("127.0.0.1", 1)]), [port]) == {}
        assert mysql_process.clients(place, []) == {}


def test_only_established_sockets_are_clients() -> None:
    def raw(state: int, source: int, target: int) -> bytes:
        return bytes([socket.AF_INET, state, 0, 0]) + struct.pack("!HH", source, target) + b"\0" * 64

    table = {
        51: raw(_sock_diag.ESTABLISHED, 40112, 3306),
        52: raw(_sock_diag.CLOSE_WAIT, 40113, 3306),
        53: raw(_sock_diag.ESTABLISHED, 40114, 5432),
    }
    assert mysql_process.client_inodes(table, {40112, 40113, 40114}, {3306}) == {40112: 51}
