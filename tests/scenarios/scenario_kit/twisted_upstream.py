# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx in front of three Twisted processes under supervisord, and how one of them falls sick.

Each process logs into a folder of its own. When that vanishes, the process loops in its own logging and answers nobody
(see twisted_backend).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .nginx_server import NginxServer, answers, nginx_server
from .processes import started
from .twisted_backend import PROGRAM, ROTATING, TwistedBackend
from .waiting import wait_for

PORT = 17800
BACKENDS = (17801, 17802, 17803)
READ_TIMEOUT_S = 2
_SUPERVISORD = """\
[supervisord]
nodaemon=true
pidfile=%(here)s/supervisord.pid
logfile=%(here)s/supervisord.log

[unix_http_server]
file=%(here)s/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/supervisor.sock
"""
_SUPERVISED = """
[program:web-{port}]
command={python} {program} {port} {kind}
environment=BACKEND_LOG="%(here)s/{port}/web.log"
autorestart=true
startsecs=1
stopwaitsecs=2
redirect_stderr=true
stdout_logfile=%(here)s/{port}.out
"""
# In JSON, as many have it; the role makes a plain one.
HTTP = """\
    log_format timed escape=json '{{"at":"$msec","request":"$request","status":"$status","took":"$request_time",'
        '"to":"$upstream_addr","connect":"$upstream_connect_time","time":"$upstream_response_time",'
        '"upstream_status":"$upstream_status"}}';
    access_log {log} {format};
    upstream app {{
{servers}    }}
    server {{
        listen 127.0.0.1:{port};
        proxy_connect_timeout {read_timeout}s;
        proxy_read_timeout {read_timeout}s;
        location / {{ proxy_pass http://app; }}
    }}
"""


@dataclass(frozen=True)
class TwistedUpstream:
    """The last of the backends is the one that falls sick. ``directory`` holds a folder of logs for each port."""

    nginx: NginxServer
    directory: Path
    tools: Path

    @property
    def sick_port(self) -> int:
        """The one of the three."""
        return BACKENDS[-1]

    def pid(self, port: int) -> int:
        """Of the backend on that port; 0 when it does not run."""
        text = self._supervisorctl("pid", f"web-{port}")
        return int(text) if text.isdigit() else 0

    def requests(self) -> list[dict[str, str]]:
        """The access log."""
        return [json.loads(line) for line in (self.directory / "access.log").read_text().splitlines()]

    def fall_sick(self) -> TwistedBackend:
        """One of the three loops for ever, which is proven; the others are well."""
        sick = TwistedBackend(self.pid(self.sick_port), self.sick_port, self.directory / f"{self.sick_port}/web.log")
        sick.lose_log_folder()
        sick.request_until_it_spins()
        assert all(answers(port) for port in BACKENDS if port != self.sick_port)
        return sick

    def get_well(self) -> None:
        """A restart: supervisord kills it, as it does not hear SIGTERM, and at its start it makes its folder again."""
        self._supervisorctl("restart", f"web-{self.sick_port}")
        wait_for(lambda: answers(self.sick_port, 1), 60, "the sick backend to answer again")

    def _supervisorctl(self, *words: str) -> str:
        command: list[str | Path] = [self.tools / "supervisorctl", "-c", self.directory / "supervisord.conf", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()


@contextmanager
def twisted_upstream(directory: Path, python: Path, log_format: str = "timed") -> Iterator[TwistedUpstream]:
    """All of it, healthy."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    configuration = directory / "supervisord.conf"
    programs = (_SUPERVISED.format(python=python, program=PROGRAM, port=port, kind=ROTATING) for port in BACKENDS)
    configuration.write_text(_SUPERVISORD + "".join(programs))
    # max_fails=0: nginx goes on trying the sick one, as it does where three processes have a hundred requests a second.
    servers = "".join(f"        server 127.0.0.1:{port} max_fails=0;\n" for port in BACKENDS)
    values = {"port": PORT, "servers": servers, "read_timeout": READ_TIMEOUT_S, "format": log_format}
    http = HTTP.format(log=directory / "access.log", **values)
    daemon: list[str | Path] = [python.parent / "supervisord", "-c", configuration]
    with started(daemon, directory / "console.log"):
        for port in BACKENDS:
            wait_for(lambda port=port: answers(port, 1), 40, f"the backend on {port}")  # type: ignore[misc]
        with nginx_server(directory / "nginx", PORT, http) as nginx:
            yield TwistedUpstream(nginx, directory, python.parent)
