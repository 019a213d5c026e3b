# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What redis-cli and valkey-cli print, and what it means. Pure; the tests feed it captured output of 6.0 to 8.1."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_PAIR = re.compile(r'^\s*\d+\) "(.*)"$', re.MULTILINE)
_AUTH_FAILED = re.compile(r"AUTH failed(?:: *(.*))?$", re.MULTILINE)
_CONNECT_FAILED = re.compile(r"Could not connect to \w+ at (.*): (.*?)\s*$", re.MULTILINE)
_LONGEST = 300

#: How an error reply starts, the kind of failure it is, and what to do about it.
_KINDS = (
    ("NOAUTH", "auth_missing", "give a user name and password that may use CONFIG"),
    ("WRONGPASS", "auth_wrong", "check the user name and the password"),
    ("NOPERM", "forbidden", "the user needs +config|get +config|set +info (before Redis 7: +config +info)"),
    (
        "ERR unknown command",
        "no_command",
        "CONFIG is renamed or disabled there: change its files instead, or the settings of the managed service",
    ),
    ("LOADING", "loading", "it still loads its data: try again later"),
    ("BUSY", "busy", "a script or function blocks it: try again later"),
    ("DENIED", "protected", "protected mode: ask it on the loopback address or its unix socket"),
    ("ERR max number of clients", "full", "it has no free connection: try again later"),
)


class Answer(NamedTuple):
    """How one run of the client ended."""

    status: int
    stdout: str
    stderr: str


class RedisError(Exception):
    """The server's settings could not be read or changed.

    ``kind`` is one word for programs, ``said`` the server's or client's own words, ``advice`` what to do, or empty.
    """

    def __init__(self, kind: str, said: str, advice: str = "") -> None:
        super().__init__("%s; %s" % (said.rstrip("."), advice) if advice else said)
        self.kind = kind
        self.said = said
        self.advice = advice


def failure(answer: Answer) -> Optional[RedisError]:
    """Why the client or the server refused; None when there is an answer to parse.

    The exit status alone does not tell: in 6.0 and from 7.0 on it is 0 after an error reply and even
    after a refused AUTH, when the client goes on as the default user.
    """
    refused = _AUTH_FAILED.search(answer.stderr)
    if refused:
        return _auth_failure(refused.group(1) or "")
    if answer.stdout.startswith("(error) "):
        return error_reply(answer.stdout[len("(error) ") :])
    if answer.status:
        return _client_failure(answer.stderr or answer.stdout)
    return None


def error_reply(text: str) -> RedisError:
    """The meaning of an error reply, given without its ``(error)`` mark."""
    said = _first_line(text)
    for start, kind, advice in _KINDS:
        if said.startswith(start):
            return RedisError(kind, said, advice)
    return RedisError("refused", said)


def config_values(stdout: str) -> dict[str, str]:
    """The answer to ``CONFIG GET`` as printed with ``--no-raw``; empty when the server does not know the parameter."""
    words = _PAIR.findall(stdout)
    return dict(zip(words[::2], words[1::2]))


def info_fields(stdout: str) -> dict[str, str]:
    """The answer to ``INFO``. The client prints it, and an error in its place, without any mark: raises RedisError."""
    lines = (line.partition(":") for line in stdout.splitlines())
    fields = {name: value for name, colon, value in lines if colon}
    if not {"redis_version", "process_id"} <= set(fields):
        raise error_reply(stdout)
    return fields


class Identity(NamedTuple):
    """What a server says about itself. ``process_id`` is counted in its own pid namespace."""

    server: str
    version: str
    process_id: int
    config_file: Optional[str]


def identity(info: dict[str, str]) -> Identity:
    """From :func:`info_fields`. Valkey reports its own version beside the Redis version that it is compatible with."""
    name = info.get("config_file", "")
    return Identity(
        server="valkey" if "valkey_version" in info else "redis",
        version=info.get("valkey_version") or info["redis_version"],
        process_id=int(info["process_id"]),
        # 6.x says "/-" for a configuration on standard input, later versions nothing.
        config_file=None if name in ("", "/-") else name,
    )


def _auth_failure(reason: str) -> RedisError:
    # Only the first word is repeated: where AUTH is renamed, the reply quotes the password.
    if "without any password configured" in reason:
        return RedisError("auth_wrong", "AUTH failed: the default user has no password", "leave the password out")
    code = reason.split(" ", 1)[0]
    said = "AUTH failed: %s" % code if code else "AUTH failed"
    return RedisError("auth_wrong", said, "check the user name and the password")


def _client_failure(text: str) -> RedisError:
    unreachable = _CONNECT_FAILED.search(text)
    if unreachable:
        where, why = unreachable.groups()
        return RedisError("unreachable", "cannot connect to %s: %s" % (where, why), "does it run and listen there?")
    said = _first_line(text) or "the client failed without a word"
    return RedisError("no_answer", said, "is it a Redis server, and does it want TLS?")


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0].strip()[:_LONGEST]
