# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nginx of a scenario's own, with a configuration that the scenario writes."""

from __future__ import annotations

import http.client
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import Program, started
from .waiting import wait_for

_CONFIGURATION = """\
# The comment and the spacing are there to be kept.
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{http}}}
"""


@dataclass(frozen=True)
class NginxServer:
    """``folder`` is its prefix and holds ``nginx.conf``, its only file."""

    program: Program
    folder: Path
    port: int

    @property
    def configuration(self) -> Path:
        """The only file."""
        return self.folder / "nginx.conf"

    def emergencies(self) -> list[str]:
        """The lines of the error log that must not be."""
        return [line for line in (self.folder / "error.log").read_text().splitlines() if "[emerg]" in line]


@contextmanager
def nginx_server(folder: Path, port: int, http: str) -> Iterator[NginxServer]:
    """Runs nginx until the end of the block. ``http``: the lines of that block, with a server on 127.0.0.1:``port``."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder, http=http))
    command: list[str | Path] = ["nginx", "-g", "daemon off;", "-p", folder, "-c", folder / "nginx.conf"]
    with started(command, folder / "nginx.log") as program:
        wait_for(lambda: answers(port), 20, "nginx to answer")
        try:
            yield NginxServer(program, folder, port)
        finally:
            program.process.send_signal(signal.SIGQUIT)
            program.process.wait(timeout=30)


def answers(port: int, seconds: float = 5, host: str = "127.0.0.1") -> bool:
    """Whether what listens there answers ``GET /`` with 200 within so many seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
