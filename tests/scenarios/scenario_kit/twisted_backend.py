# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Twisted backend, and the two ways to break its log so that it spins in its own error path (incident I2).

The loop ends by itself once the log can be written again: each line that was waiting is then written. Until then
nothing is answered, and SIGTERM does nothing, as the event loop never gets its turn.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .kernel_scheduling import watch_conduct
from .processes import started
from .supervised import Supervised, supervised
from .waiting import wait_for

PROGRAM = Path(__file__).with_name("twisted_backend_program.py")
ROTATING, PLAIN = "rotating", "plain"
#: More than the requests that make 2000 bytes of log.
_MOST_REQUESTS = 60
_ANSWER_S = 20.0
_GIVE_UP_S = 1.0
_DISK_BYTES = 16 << 20
_ASK = "import sys, urllib.request as r; sys.exit(r.urlopen(sys.argv[1], timeout=30).status != 200)"


@dataclass(frozen=True)
class TwistedBackend:
    """A running backend; ``log`` is its log file, alone in a folder of its own."""

    pid: int
    port: int
    log: Path

    def answers(self, seconds: float = _ANSWER_S, cpu_ms: int = 0) -> bool:
        """Whether a request is answered within ``seconds``."""
        return answers(self.port, seconds, cpu_ms)

    def ask_command(self) -> list[str]:
        """A command that succeeds when the backend answers."""
        return [sys.executable, "-c", _ASK, f"http://127.0.0.1:{self.port}/"]

    def lose_log_folder(self) -> None:
        """Remove the folder of the log, as a clean-up or a deployment does."""
        shutil.rmtree(self.log.parent)

    def restore_log_folder(self) -> None:
        """Make it again, empty."""
        self.log.parent.mkdir()

    def logged(self) -> str:
        """What its log holds; nothing while there is none, as between two steps of a rotation."""
        try:
            return self.log.read_text()
        except FileNotFoundError:
            return ""

    def fill_disk(self) -> None:
        """Leave no byte on the file system of the log, which is :func:`small_disk`."""
        with suppress(OSError), (self.log.parent / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))

    def free_disk(self) -> None:
        """Give the space back."""
        (self.log.parent / "filler").unlink()

    def request_until_it_spins(self) -> None:
        """Send requests until one is not answered and the process never sleeps: proven from outside."""
        for _request in range(_MOST_REQUESTS):
            # One may be late for want of a CPU as well.
            if not self.answers(_GIVE_UP_S) and self.spins():
                return
        raise AssertionError(f"the backend on {self.port} does not spin after {_MOST_REQUESTS} requests")

    def spins(self) -> bool:
        """Whether it uses what CPU it gets, never sleeps and does not answer."""
        return watch_conduct(self.pid).spins and not self.answers(_GIVE_UP_S)


def answers(port: int, seconds: float = _ANSWER_S, cpu_ms: int = 0) -> bool:
    """Whether a backend on loopback answers a request within ``seconds``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", f"/?cpu_ms={cpu_ms}", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def backend_command(python: str, port: int, handler: str) -> list[str]:
    """The program's command line; its environment needs ``BACKEND_LOG``."""
    return [python, str(PROGRAM), str(port), handler]


@contextmanager
def twisted_backend(folder: Path, python: str, port: int, handler: str = ROTATING) -> Iterator[TwistedBackend]:
    """A healthy backend on 127.0.0.1:``port`` that logs to ``folder/log/app.log``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "log/app.log"
    command = backend_command(python, port, handler)
    with started(command, folder / f"{port}.out", {"BACKEND_LOG": str(path)}) as program:
        wait_for(lambda: answers(port), 30, f"the backend on {port} to answer")
        yield TwistedBackend(program.pid, port, path)


@contextmanager
def supervised_backend(folder: Path, python: str, port: int) -> Iterator[tuple[TwistedBackend, Supervised]]:
    """The same with a log that rotates, as the only program of a supervisord."""
    path = folder / "log/app.log"
    command = backend_command(python, port, ROTATING)
    with supervised(folder / "supervisor", command, {"BACKEND_LOG": str(path)}) as supervisor:
        wait_for(lambda: answers(port), 30, f"the backend on {port} to answer")
        yield TwistedBackend(supervisor.pid(), port, path), supervisor


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 16 MiB at ``folder``, in the mount namespace of the scenario."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "closewait-scenario", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
