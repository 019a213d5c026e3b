# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real redis-server with a configuration file of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import Program, started
from .waiting import wait_for

_CONFIGURATION = """\
# The broker of a scenario. The comment and the order of the lines are there to be kept.
bind 127.0.0.1
port {port}
dir {directory}
save ""
appendonly no

# Close the connection after a client is idle for N seconds (0 to disable)
timeout {timeout}
tcp-keepalive 300
"""


@dataclass(frozen=True)
class RedisServer:
    """A running server: ``program``, its loopback ``port`` and its ``configuration`` file."""

    program: Program
    port: int
    configuration: Path

    @property
    def url(self) -> str:
        """The URL of its database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self, *words: str) -> list[str]:
        """The reply to a command, one element a line."""
        argv = ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()

    def live_timeout(self) -> int:
        """``timeout`` as the running server has it, in seconds."""
        return int(self.command("CONFIG", "GET", "timeout")[1])

    def stored_timeout(self) -> int:
        """``timeout`` as the configuration file has it; the last line wins, as in Redis."""
        return int(re.findall(r"^timeout\s+(\d+)", self.configuration.read_text(), re.MULTILINE)[-1])

    def set_timeout(self, seconds: int) -> None:
        """Change ``timeout`` live and in the file, as an administrator would."""
        self.command("CONFIG", "SET", "timeout", str(seconds))
        self.command("CONFIG", "REWRITE")

    def answers(self) -> bool:
        """Whether it replies to a ping."""
        try:
            return self.command("PING") == ["PONG"]
        except subprocess.SubprocessError:
            return False


@contextmanager
def redis_server(directory: Path, port: int, timeout: int) -> Iterator[RedisServer]:
    """A server on 127.0.0.1:``port`` that closes clients idle for ``timeout`` seconds."""
    directory.mkdir(parents=True)
    configuration = directory / "redis.conf"
    configuration.write_text(_CONFIGURATION.format(port=port, directory=directory, timeout=timeout))
    with started(["redis-server", configuration], directory / "redis.log") as program:
        server = RedisServer(program, port, configuration)
        wait_for(server.answers, 10, "redis-server to answer")
        yield server
