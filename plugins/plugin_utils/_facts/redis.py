# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape of the ``redis`` subset."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint, SourceError


class RedisInstance(TypedDict):
    """A Redis server; with ``error`` set it was seen, but its settings could not be read."""

    pid: int | None
    start_time: int | None
    address: str | None
    port: int | None
    unix_socket: str | None
    version: str | None
    timeout: int | None
    tcp_keepalive: int | None
    config_file: str | None
    error: str | None
    netns: NotRequired[int | None]
    listening: NotRequired[list[Endpoint] | None]


class RedisFacts(TypedDict):
    """The ``redis`` subset."""

    errors: list[SourceError]
    instances: list[RedisInstance] | None
    omitted: NotRequired[int]
