# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the collector asks, in which order and with which login: a program in the client's place plays the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _listening
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import redis
from ansible_collections.closewait.remediation.plugins.module_utils._redis import cli as redis_cli
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import WAIT_S

#: Port 7001 is open, 7002 wants a login, 7003 hangs up (a cluster bus), 7004 is closed, 7005 keeps INFO to itself.
CLIENT = """\
echo "$* auth=${REDISCLI_AUTH-none}" >> @/asked
case "$*" in
  *7003*) echo "Error: Server closed the connection" >&2; exit 1;;
  *7004*) echo "Could not connect to Redis at 127.0.0.1:7004: Connection refused" >&2; exit 1;;
  *7002*) [ "${REDISCLI_AUTH-none}" = right ] || { echo "(error) NOAUTH Authentication required."; exit 0; };;
esac
case "$*" in
  *7005*INFO*) echo "NOPERM User default has no permissions to run the 'info' command";;
  *INFO*) printf 'redis_version:7.2.5\\r\\nprocess_id:4194999\\r\\nconfig_file:/srv/r.conf\\r\\n';;
  *tcp-keepalive*) printf '1) "tcp-keepalive"\\n2) "61"\\n';;
  *timeout*) printf '1) "timeout"\\n2) "1209"\\n';;
esac
"""
LOGIN = redis_cli.Login("ops", "right")


@pytest.fixture(name="client")
def fixture_client(tmp_path: Path) -> str:
    """The program; it writes down what it was asked."""
    path = tmp_path / "redis-cli"
    path.write_text("#!/bin/sh\n" + CLIENT.replace("@", str(tmp_path)))
    path.chmod(0o755)
    return str(path)


def _asked(client: str) -> str:
    return (Path(client).parent / "asked").read_text()


def _one(client: str, port: int, login: redis_cli.Login) -> redis.Fact:
    facts = redis.ask(redis_cli.Endpoint("127.0.0.1", port), redis.Asking(client, login, WAIT_S))
    (instance,) = facts["instances"]
    assert facts["errors"] == []
    assert isinstance(instance, dict)
    return instance


def test_an_open_server_never_hears_of_the_login(client: str) -> None:
    instance = _one(client, 7001, LOGIN)
    assert (instance["timeout"], instance["tcp_keepalive"], instance["error"]) == (1209, 61, None)
    assert (instance["version"], instance["server"], instance["config_file"]) == ("7.2.5", "redis", "/srv/r.conf")
    assert "right" not in _asked(client)


def test_a_server_that_wants_a_login_gets_it(client: str) -> None:
    assert _one(client, 7002, LOGIN)["timeout"] == 1209
    assert "--user ops" in _asked(client)


def test_without_a_login_the_reason_is_in_the_words_of_the_server(client: str) -> None:
    instance = _one(client, 7002, redis_cli.Login())
    assert (instance["timeout"], instance["tcp_keepalive"]) == (None, None)
    assert instance["error"] == "NOAUTH Authentication required."
    assert len(_asked(client).splitlines()) == 1


def test_settings_count_even_when_info_is_forbidden(client: str) -> None:
    instance = _one(client, 7005, LOGIN)
    assert (instance["timeout"], instance["error"], instance["version"]) == (1209, None, None)


def test_a_server_that_is_no_process_here_has_no_pid(client: str) -> None:
    instance = _one(client, 7001, LOGIN)
    assert (instance["pid"], instance["start_time"]) == (None, None)


def _first(client: str, *ports: int) -> redis.Reply:
    asking = redis.Asking(client, reply_timeout=WAIT_S)
    return redis._first_reply([redis_cli.Endpoint("127.0.0.1", port) for port in ports], asking)


def test_a_port_that_is_not_for_clients_is_passed_over(client: str) -> None:
    assert _first(client, 7003, 7001).settings == {"timeout": 1209, "tcp_keepalive": 61}


def test_a_port_that_answers_ends_the_search(client: str) -> None:
    reply = _first(client, 7002, 7001)
    assert reply.failure is not None
    assert reply.failure.kind == "auth_missing"
    assert "7001" not in _asked(client)


def test_when_no_port_is_for_clients_the_first_reason_is_given(client: str) -> None:
    reply = _first(client, 7003, 7004)
    assert reply.failure is not None
    assert reply.failure.said == "Error: Server closed the connection"


def test_a_server_that_listens_nowhere_is_said(client: str) -> None:
    reply = _first(client)
    assert reply.failure is not None
    assert reply.failure.said == "it listens on no socket"


def test_a_missing_client_is_an_error_of_the_instance(client: str) -> None:
    instance = _one(client + "-that-is-not-there", 7001, LOGIN)
    assert instance["timeout"] is None
    assert instance["error"].endswith("redis-cli-that-is-not-there not found")


def test_processes_that_cannot_be_listed_are_not_no_processes(tmp_path: Path) -> None:
    facts = redis.collect(redis.Asking(), 10, str(tmp_path / "no-proc"))
    assert facts["instances"] is None
    assert facts["errors"][0]["source"] == str(tmp_path / "no-proc")


def test_a_host_without_servers_has_none(tmp_path: Path) -> None:
    assert redis.collect(redis.Asking(), 10, str(tmp_path)) == {"errors": [], "instances": [], "omitted": 0}


def test_a_server_that_may_not_be_looked_into_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _server(tmp_path, 77)

    def denied(_pid: int, _proc: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_listening, "listening", denied)
    (instance,) = redis.collect(redis.Asking(), 10, str(tmp_path))["instances"]
    assert (instance["pid"], instance["timeout"], instance["listening"]) == (77, None, None)
    assert instance["error"] == "its sockets cannot be read (Permission denied): run this as root"


def test_more_servers_than_wanted_are_counted(tmp_path: Path) -> None:
    for pid in (71, 72, 73):
        _server(tmp_path, pid)
    assert redis.collect(redis.Asking(), 2, str(tmp_path))["omitted"] == 1


def test_a_server_that_ended_meanwhile_is_not_listed(tmp_path: Path) -> None:
    _server(tmp_path, 77)
    assert redis.collect(redis.Asking(), 10, str(tmp_path))["instances"] == []


def _server(proc: Path, pid: int) -> None:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "stat").write_text("%d (redis-server) S 1 %s\n" % (pid, " ".join(["0"] * 30)))
