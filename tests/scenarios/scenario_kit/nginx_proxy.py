# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nginx of a scenario's own in front of backends that count what they answer."""

from __future__ import annotations

import http.client
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import Program, started
from .waiting import wait_for

_PROGRAM = Path(__file__).with_name("backend_program.py")
_CONFIGURATION = """\
# The comment and the spacing are there to be kept.
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream app {{
{servers}    }}
    server {{
        listen 127.0.0.1:{port};
        proxy_read_timeout   60s;  # as it came
        location / {{ proxy_pass http://app; }}
    }}
}}
"""


@dataclass(frozen=True)
class NginxProxy:
    """``folder`` is its prefix and holds ``nginx.conf``; ``backends`` are ports."""

    program: Program
    folder: Path
    port: int
    backends: Sequence[int]
    python: str

    @property
    def configuration(self) -> Path:
        """The only file."""
        return self.folder / "nginx.conf"

    def answered(self) -> Counter[int]:
        """How many requests each backend has answered so far."""
        return Counter({port: _count(self.folder / f"{port}.count") for port in self.backends})

    def emergencies(self) -> list[str]:
        """The lines of the error log that must not be."""
        return [line for line in (self.folder / "error.log").read_text().splitlines() if "[emerg]" in line]


def _count(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def nginx_proxy(folder: Path, port: int, backends: Sequence[int], python: str) -> Iterator[NginxProxy]:
    """Runs nginx on 127.0.0.1:``port``, and a Python backend on each of the other ports."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    servers = "".join(f"        server 127.0.0.1:{backend};\n" for backend in backends)
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder, port=port, servers=servers))
    with ExitStack() as stack:
        for backend in backends:
            serve: list[str | Path] = [python, _PROGRAM, str(backend), folder / f"{backend}.count"]
            stack.enter_context(started(serve, folder / f"{backend}.log"))
        for backend in backends:
            wait_for(lambda backend=backend: _answers(backend), 20, f"the backend on {backend}")  # type: ignore[misc]
        command: list[str | Path] = ["nginx", "-g", "daemon off;", "-p", folder, "-c", folder / "nginx.conf"]
        program = stack.enter_context(started(command, folder / "nginx.log"))
        wait_for(lambda: _answers(port), 20, "nginx to answer")
        try:
            yield NginxProxy(program, folder, port, backends, python)
        finally:
            program.process.send_signal(signal.SIGQUIT)
            program.process.wait(timeout=30)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
