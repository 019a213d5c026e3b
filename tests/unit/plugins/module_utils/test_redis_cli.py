# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client as a process, with programs in its place that show what they were given. Real servers: integration."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import cli as redis_cli
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    WAIT_S,
    has_ended,
    started_when_written,
    wait_until,
)

SECRET = "pass word$(id)\"'"  # noqa: S105 - of nobody


def _program(folder: Path, body: str) -> str:
    path = folder / "redis-cli"
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return str(path)


def _asked(folder: Path, endpoint: redis_cli.Endpoint, login: redis_cli.Login) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment that the client gets."""
    body = 'env -0 > %s/env\nfor word in "$@"; do printf \'%%s\\0\' "$word"; done > %s/argv\necho OK\n' % (
        folder,
        folder,
    )
    redis_cli.RedisCli(_program(folder, body), endpoint, login, WAIT_S).config_set("timeout", 7)
    argv = (folder / "argv").read_text().split("\0")[:-1]
    pairs = (entry.partition("=") for entry in (folder / "env").read_text().split("\0")[:-1])
    return argv, {pair[0]: pair[2] for pair in pairs}


def test_the_password_is_no_argument(tmp_path: Path) -> None:
    argv, environment = _asked(tmp_path, redis_cli.Endpoint(), redis_cli.Login("ops", SECRET))
    assert environment["REDISCLI_AUTH"] == SECRET
    assert SECRET not in " ".join(argv)
    assert argv[argv.index("--user") + 1] == "ops"
    assert argv[-4:] == ["CONFIG", "SET", "timeout", "7"]


def test_the_login_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDISCLI_AUTH", "of the shell that started us")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    argv, environment = _asked(tmp_path, redis_cli.Endpoint(), redis_cli.Login())
    assert "REDISCLI_AUTH" not in environment
    assert environment["LC_ALL"] == "C"
    assert "--user" not in argv


def test_a_user_without_password_still_logs_in(tmp_path: Path) -> None:
    _argv, environment = _asked(tmp_path, redis_cli.Endpoint(), redis_cli.Login("nopass-user"))
    assert environment["REDISCLI_AUTH"] == ""


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (redis_cli.Endpoint("10.3.2.1", 7001), ["-h", "10.3.2.1", "-p", "7001"]),
        (redis_cli.Endpoint("0.0.0.0", 7001), ["-h", "127.0.0.1", "-p", "7001"]),  # noqa: S104 - only text
        (redis_cli.Endpoint("::", 7001), ["-h", "::1", "-p", "7001"]),
        (redis_cli.Endpoint("10.3.2.1", 7001, "/run/x y.sock"), ["-s", "/run/x y.sock"]),
        (
            redis_cli.Endpoint("db", 7001, None, redis_cli.Tls("/ca", "/crt", "/key")),
            ["-h", "db", "-p", "7001", "--tls", "--cacert", "/ca", "--cert", "/crt", "--key", "/key"],
        ),
        (redis_cli.Endpoint("db", 7001, None, redis_cli.Tls()), ["-h", "db", "-p", "7001", "--tls"]),
    ],
)
def test_where(tmp_path: Path, endpoint: redis_cli.Endpoint, expected: list[str]) -> None:
    argv, _environment = _asked(tmp_path, endpoint, redis_cli.Login())
    assert argv == ["--no-raw", *expected, "CONFIG", "SET", "timeout", "7"]


def test_a_client_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started_when_written(tmp_path / "pid", monkeypatch)
    client = _program(tmp_path, "sleep 60 &\necho $! > %s/pid\nwait\n" % tmp_path)
    server = redis_cli.RedisCli(client, redis_cli.Endpoint(), redis_cli.Login(), 0.5)
    with pytest.raises(RedisError) as caught:
        server.config_get("timeout")
    assert caught.value.kind == "timed_out"
    wait_until(lambda: has_ended(int((tmp_path / "pid").read_text())))


def test_a_client_that_cannot_be_run_is_said(tmp_path: Path) -> None:
    client = tmp_path / "redis-cli"
    client.write_text("#!/no/such/interpreter\n")
    client.chmod(0o755)
    server = redis_cli.RedisCli(str(client), redis_cli.Endpoint(), redis_cli.Login(), WAIT_S)
    with pytest.raises(RedisError) as caught:
        server.identity()
    assert caught.value.kind == "cli_missing"


def test_text_that_is_no_utf8_is_no_obstacle(tmp_path: Path) -> None:
    client = _program(tmp_path, "printf '(error) ERR \\377\\n'\n")
    server = redis_cli.RedisCli(client, redis_cli.Endpoint(), redis_cli.Login(), WAIT_S)
    with pytest.raises(RedisError, match="ERR"):
        server.config_set("timeout", 0)


def test_an_answer_other_than_ok_is_no_success(tmp_path: Path) -> None:
    server = redis_cli.RedisCli(_program(tmp_path, "echo QUEUED\n"), redis_cli.Endpoint(), redis_cli.Login(), WAIT_S)
    with pytest.raises(RedisError, match="QUEUED"):
        server.config_set("timeout", 0)


def test_the_client_is_found_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _program(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_cli.find_client() == path
    assert redis_cli.find_client("redis-cli") == path
    assert redis_cli.find_client(path) == path


def test_a_missing_client_is_said_with_what_to_do() -> None:
    with pytest.raises(RedisError) as caught:
        redis_cli.find_client("/no/such/client")
    assert caught.value.kind == "cli_missing"
    assert "/no/such/client not found" in str(caught.value)


def test_the_password_is_in_no_text_of_the_login() -> None:
    assert SECRET not in repr(redis_cli.Login("ops", SECRET))
