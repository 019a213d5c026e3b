# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of :mod:`scenario_kit.spinners`, started on an upstream, asked, and looked at from outside."""

from __future__ import annotations

import http.client
import itertools
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import living
from .kernel_scheduling import process_state, start_time, watch_conduct
from .kernel_sockets import CLOSE_WAIT, Watch, socket_inodes, tcp_states, watches
from .processes import Program, started
from .upstream import Upstream
from .waiting import wait_for

PROGRAMS = Path(__file__).resolve().parent / "spinners"
_words = (f"word{number}" for number in itertools.count(1))

#: (port, verb, word) to the answer's line.
Ask = Callable[[int, str, str], str]


def ask_by_line(port: int, verb: str, word: str) -> str:
    """One line each way."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"{verb} {word}\n".encode())
        with connection.makefile("r") as answer:
            return answer.readline().strip()


def ask_by_http(port: int, verb: str, word: str) -> str:
    """``GET /VERB/WORD``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", f"/{verb}/{word}")
        return connection.getresponse().read().decode().strip()
    finally:
        connection.close()


@dataclass(frozen=True)
class Spinner:
    """A running program; ``pid`` is the process that holds the connection to ``upstream``."""

    program: Program
    pid: int
    born: int
    port: int
    upstream: Upstream
    ask: Ask

    def check_service(self) -> None:
        """It still is the process that was started, runs, and answers with what it was asked."""
        word = next(_words)
        assert self.ask(self.port, "echo", word) == f"echoed {word}", self.program.tail()
        assert start_time(self.pid) == self.born
        assert process_state(self.pid) in {"R", "S"}

    def use(self) -> str:
        """What comes of a question to its upstream: ``used`` when it was answered with what was asked."""
        word = next(_words)
        answer = self.ask(self.port, "use", word)
        return "used" if answer == f"used answer {word}" else answer

    def dead_fds(self) -> list[int]:
        """Its fds of upstream connections in CLOSE_WAIT; a client's may pass through that state at any time."""
        dead = self._dead_inodes()
        return sorted(fd for fd, inode in socket_inodes(self.pid).items() if inode in dead)

    def dead_watches(self) -> list[Watch]:
        """The entries of its epoll sets, of whatever kind, that are for those."""
        dead = self._dead_inodes()
        return [watch for watch in watches(self.pid) if watch.inode in dead]

    def _dead_inodes(self) -> set[int]:
        states = tcp_states()
        return {inode for inode in _connected_to(self.upstream.port) if states.get(inode) == CLOSE_WAIT}

    def target(self) -> dict[str, Any]:
        """Its one half-closed connection as ``fd_close`` takes it."""
        (fd,) = self.dead_fds()
        return {"pid": self.pid, "start_time": self.born, "fd": fd, "inode": socket_inodes(self.pid)[fd]}

    def spinning_thread(self) -> int | None:
        """A thread that never sleeps, found by the kernel's counters."""
        running = [tid for tid in self._threads() if process_state(tid) == "R"]
        return next((tid for tid in running if _spins(tid)), None)

    def calm(self) -> bool:
        """No thread spins."""
        return not any(_spins(tid) for tid in self._threads())

    def _threads(self) -> list[int]:
        return [int(tid) for tid in os.listdir(f"/proc/{self.pid}/task")]

    def half_close(self) -> None:
        """Let the upstream close its side, until the program has the connection in CLOSE_WAIT."""
        self.upstream.half_close()
        wait_for(self.dead_fds, 10, "a connection in CLOSE_WAIT")

    def half_close_until_it_spins(self) -> int:
        """The incident, proven from /proc; the thread that spins."""
        self.half_close()
        return wait_for(self.spinning_thread, 30, "a thread that spins")


def _spins(tid: int) -> bool:
    try:
        return watch_conduct(tid, 0.3, samples=2).spins
    except (FileNotFoundError, ProcessLookupError):
        # A thread that has ended meanwhile.
        return False


def _serves(program: Program, port: int, ask: Ask) -> bool:
    assert program.running(), program.tail()
    try:
        return ask(port, "use", "ready") == "used answer ready"
    except (OSError, http.client.HTTPException):
        return False


def _holder(program: Program, upstream: Upstream) -> int:
    """The process of the program's session that has the connection to the upstream."""
    inodes = _connected_to(upstream.port)
    for pid in living.session(program.pid):
        with suppress(FileNotFoundError):
            if inodes & set(socket_inodes(pid).values()):
                return pid
    raise AssertionError(f"nobody is connected to the upstream\n{program.tail()}")


def _connected_to(port: int) -> set[int]:
    """Inodes of the sockets whose other end is that port (Java's are IPv6 sockets)."""
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    return {int(row[9]) for row in rows if row[2].endswith(f":{port:04X}")}


@contextmanager
def spinner(
    command: Sequence[str | Path],
    log: Path,
    port: int,
    upstream: Upstream,
    ask: Ask = ask_by_line,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Spinner]:
    """Run one on ``port`` until it serves and has its upstream."""
    with started(command, log, environment) as program:
        wait_for(lambda: _serves(program, port, ask), 60, "the program to serve")
        pid = _holder(program, upstream)
        yield Spinner(program, pid, start_time(pid), port, upstream, ask)
