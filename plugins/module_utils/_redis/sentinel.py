# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Sentinel answers where a server of data was meant: it has no CONFIG, so say what it is."""

from __future__ import annotations

from typing import Mapping, Protocol

from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError


class Server(Protocol):
    """What this needs; :class:`cli.RedisCli` has it."""

    def info(self) -> Mapping[str, str]:
        """The fields of INFO."""


def is_sentinel(info: Mapping[str, str]) -> bool:
    """From ``INFO``, where Valkey has another word for it."""
    return "sentinel" in (info.get("redis_mode"), info.get("server_mode"))


def explained(failure: RedisError, server: Server) -> RedisError:
    """The failure of a question about settings; a better one when it is a Sentinel that did not know CONFIG."""
    if failure.kind != "no_command":
        return failure
    try:
        info = server.info()
    except RedisError as exc:
        # A server that wants a login says so of INFO, but calls CONFIG unknown first.
        return exc if exc.kind == "auth_missing" else failure
    if not is_sentinel(info):
        return failure
    said = "a Sentinel answers there, which has neither data nor this setting"
    return RedisError("sentinel", said, "name the address of a Redis instance that it watches")
