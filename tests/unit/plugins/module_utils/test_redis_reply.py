# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What redis-cli prints, captured from the client and server of five versions (captured/redis_answers.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import reply as redis_reply

ANSWERS = json.loads((Path(__file__).parent / "captured" / "redis_answers.json").read_text())
VERSIONS = sorted(ANSWERS)
NEW_ACL = ("redis 7.0.15", "redis 8.0.2", "valkey 8.1.1")


def _answer(version: str, case: str) -> redis_reply.Answer:
    return redis_reply.Answer(**ANSWERS[version][case])


def test_there_are_captures_of_old_and_new_servers() -> None:
    assert VERSIONS == ["redis 6.0.16", "redis 6.2.14", "redis 7.0.15", "redis 8.0.2", "valkey 8.1.1"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("case", "kind", "said"),
    [
        ("login missing", "auth_missing", "NOAUTH Authentication required."),
        ("login wrong", "auth_wrong", "AUTH failed"),
        ("user wrong", "auth_wrong", "AUTH failed"),
        ("password not wanted", "auth_wrong", "AUTH failed"),
        ("auth renamed", "auth_wrong", "AUTH failed"),
        ("get forbidden", "forbidden", "NOPERM"),
        ("set forbidden", "forbidden", "NOPERM"),
        ("config renamed", "no_command", "ERR unknown command"),
        ("full", "full", "ERR max number of clients reached"),
        ("busy", "busy", "BUSY"),
        ("port closed", "unreachable", "cannot connect to 127.0.0.1:17199: Connection refused"),
        ("socket missing", "unreachable", "cannot connect to /run/no-such.sock: No such file or directory"),
    ],
)
def test_a_refusal_is_told_from_an_answer(version: str, case: str, kind: str, said: str) -> None:
    failure = redis_reply.failure(_answer(version, case))
    assert failure is not None
    assert failure.kind == kind
    assert failure.said.startswith(said)
    assert "\n" not in str(failure)


@pytest.mark.parametrize("version", NEW_ACL)
def test_protected_mode_is_told_in_one_line(version: str) -> None:
    failure = redis_reply.failure(_answer(version, "protected"))
    assert failure is not None
    assert failure.kind == "protected"
    assert "\n" not in str(failure)
    assert len(str(failure)) < 500


@pytest.mark.parametrize("version", VERSIONS)
def test_a_renamed_auth_does_not_give_the_password_away(version: str) -> None:
    answer = _answer(version, "auth renamed")
    failure = redis_reply.failure(answer)
    assert failure is not None
    assert "defpw" not in str(failure)


def test_the_capture_of_a_renamed_auth_holds_the_password() -> None:
    assert any("defpw" in ANSWERS[version]["auth renamed"]["stderr"] for version in VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", ["config get", "user without password"])
def test_a_value_is_read(version: str, case: str) -> None:
    answer = _answer(version, case)
    assert redis_reply.failure(answer) is None
    assert redis_reply.config_values(answer.stdout) == {"timeout": "1207"}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_parameter_has_no_value(version: str) -> None:
    answer = _answer(version, "config get unknown")
    assert redis_reply.failure(answer) is None
    assert redis_reply.config_values(answer.stdout) == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refused_value_keeps_the_words_of_the_server(version: str) -> None:
    failure = redis_reply.failure(_answer(version, "config set bad"))
    assert failure is not None
    assert failure.kind == "refused"
    assert "must be between 0 and 2147483647" in failure.said


@pytest.mark.parametrize("version", VERSIONS)
def test_ok_is_no_failure(version: str) -> None:
    answer = _answer(version, "config set")
    assert redis_reply.failure(answer) is None
    assert answer.stdout == "OK\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_server_names_itself(version: str) -> None:
    server, number = version.split()
    identity = redis_reply.identity(redis_reply.info_fields(_answer(version, "info").stdout))
    assert (identity.server, identity.version) == (server, number)
    assert identity.process_id > 1
    # Started with its configuration on standard input: no version must make a file of that.
    assert identity.config_file is None


@pytest.mark.parametrize("version", VERSIONS)
def test_an_error_in_place_of_info_is_seen(version: str) -> None:
    answer = _answer(version, "info forbidden")
    assert redis_reply.failure(answer) is None
    with pytest.raises(redis_reply.RedisError) as caught:
        redis_reply.info_fields(answer.stdout)
    assert caught.value.kind == "forbidden"


def test_a_configuration_file_is_named() -> None:
    info = {"redis_version": "7.2.5", "process_id": "417", "config_file": "/srv/queue/broker.conf"}
    assert redis_reply.identity(info).config_file == "/srv/queue/broker.conf"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("LOADING Redis is loading the dataset in memory", "loading"),
        ("ERR something new", "refused"),
        ("", "refused"),
    ],
)
def test_other_error_replies(text: str, kind: str) -> None:
    assert redis_reply.error_reply(text).kind == kind


def test_a_client_that_dies_silently_is_a_failure() -> None:
    failure = redis_reply.failure(redis_reply.Answer(139, "", ""))
    assert failure is not None
    assert failure.kind == "no_answer"


def test_a_long_reply_is_cut() -> None:
    assert len(redis_reply.error_reply("ERR " + "x" * 10000).said) == 300
