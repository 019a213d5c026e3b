# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape of the ``mysql`` subset."""

from __future__ import annotations

from typing import TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint, SourceError
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Holder


class ClientPool(TypedDict):
    """Idle sessions of one user from one address."""

    user: str
    host: str
    idle: int
    longest_idle_s: int


class HeldSession(TypedDict):
    """A session idle inside of a transaction; ``client`` is the process behind it, where that is on the same host."""

    id: int
    user: str
    host: str
    port: int | None
    idle_s: int
    client: Holder | None


class MysqlInstance(TypedDict):
    """A MariaDB or MySQL server; with ``error`` set it was seen, but did not answer.

    ``aborted_clients`` and ``most_connected`` count since it started, ``uptime_s`` ago.
    """

    pid: int
    start_time: int
    netns: int | None
    address: str | None
    port: int | None
    unix_socket: str | None
    listening: list[Endpoint] | None
    product: str | None
    version: str | None
    wait_timeout: int | None
    interactive_timeout: int | None
    max_connections: int | None
    connected: int | None
    aborted_clients: int | None
    most_connected: int | None
    uptime_s: int | None
    all_sessions_seen: bool | None
    pools: list[ClientPool] | None
    pools_omitted: int
    held: list[HeldSession] | None
    held_omitted: int
    error: str | None


class MysqlFacts(TypedDict):
    """The ``mysql`` subset."""

    errors: list[SourceError]
    instances: list[MysqlInstance] | None
    omitted: int
