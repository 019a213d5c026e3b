# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Redis on a host, as an administrator opens it to the others."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scenario_kit.waiting import wait_for

from .host import Host

_FILE = "etc/redis/redis.conf"


@dataclass(frozen=True)
class Broker:
    """A running server."""

    host: Host

    def url(self, database: int) -> str:
        """Of one database, for each worker its own."""
        return f"redis://{self.host.name}:6379/{database}"

    def command(self, *words: str) -> list[str]:
        """The reply to a command, one element a line."""
        return self.host.run("redis-cli", *words).splitlines()

    def live_timeout(self) -> int:
        """``timeout`` of the running server, in seconds."""
        return int(self.command("CONFIG", "GET", "timeout")[1])

    def stored_timeout(self) -> int:
        """``timeout`` in its file; the last line wins, as in Redis."""
        text = (self.host.root / _FILE).read_text()
        return int(re.findall(r"^timeout\s+(\d+)", text, re.MULTILINE)[-1])


def broker(host: Host, timeout: int) -> Broker:
    """Start the server; it closes clients that are idle for ``timeout`` seconds."""
    file = host.root / _FILE
    text = file.read_text()
    for setting, value in (("bind", "*"), ("protected-mode", "no"), ("timeout", str(timeout))):
        text, changed = re.subn(rf"^{setting} .*$", f"{setting} {value}", text, flags=re.MULTILINE)
        assert changed, f"{_FILE} of Debian does not set {setting}"
    file.write_text(text)
    host.run("systemctl", "start", "redis-server")
    server = Broker(host)
    wait_for(lambda: server.command("PING") == ["PONG"], 30, f"Redis on {host.name}")
    return server
