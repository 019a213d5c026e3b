# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis clients that count their commands on both ends, see :mod:`steady_client_program`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .celery_worker import CelerySite
from .processes import started
from .redis_server import RedisServer
from .waiting import wait_for

CLIENTS = 8


@dataclass(frozen=True)
class SteadyClients:
    """The clients of one server."""

    redis: RedisServer
    stop: Path
    result: Path

    def connections(self) -> dict[str, str]:
        """Client name -> id of its connection, of the named ones."""
        rows = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in self._list()]
        return {row["name"]: row["id"] for row in rows if row.get("name", "").startswith(("steady-", "blocked"))}

    def counted(self) -> int:
        """What the server has counted so far."""
        return sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """The server's count for each client."""
        keys = [f"steady:{number}" for number in range(CLIENTS)]
        return {key: int((self.redis.command("GET", key) or ["0"])[0] or 0) for key in keys}

    def end(self) -> dict[str, Any]:
        """Let them end; what each did by its own account."""
        self.redis.command("RPUSH", "bell", "rung")
        self.stop.touch()
        wait_for(self.result.exists, 20, "the clients to end")
        account: dict[str, Any] = json.loads(self.result.read_text())
        return account

    def _list(self) -> list[str]:
        return [line for line in self.redis.command("CLIENT", "LIST") if line]


@contextmanager
def steady_clients(site: CelerySite) -> Iterator[SteadyClients]:
    """All of them connected and counting."""
    clients = SteadyClients(site.redis, site.directory / "stop", site.directory / "clients.json")
    program = ["-m", "scenario_kit.steady_client_program"]
    command: list[str | Path] = [
        site.python,
        *program,
        str(site.redis.port),
        str(CLIENTS),
        clients.stop,
        clients.result,
    ]
    with started(command, site.directory / "clients.log"):
        wait_for(lambda: len(clients.connections()) == CLIENTS + 1, 20, "the clients to connect")
        wait_for(lambda: clients.counted() > CLIENTS, 20, "the clients to count")
        yield clients
