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
    with serving(configured(directory, port, timeout), port) as server:
        yield server


def configured(directory: Path, port: int, timeout: int, *more: str) -> Path:
    """The configuration file of a server that is to be started, with ``more`` lines at its end."""
    directory.mkdir(parents=True)
    configuration = directory / "redis.conf"
    text = _CONFIGURATION.format(port=port, directory=directory, timeout=timeout)
    configuration.write_text(text + "".join(f"{line}\n" for line in more))
    return configuration


@contextmanager
def serving(configuration: Path, port: int, program: str | Path = "redis-server") -> Iterator[RedisServer]:
    """A server with that configuration, which says ``port``; it is killed at the end."""
    with started([program, configuration], configuration.parent / "redis.log") as running:
        server = RedisServer(running, port, configuration)
        wait_for(server.answers, 30, f"{program} to answer")
        yield server
