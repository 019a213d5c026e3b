# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real supervisord of the service's environment that runs one program."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import Program, started
from .waiting import wait_for

NAME = "export:worker"
_CONFIGURATION = """\
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

[group:export]
programs=worker

[program:worker]
command={command}
autorestart=true
startsecs=1
redirect_stderr=true
stdout_logfile=%(here)s/worker.log
stdout_logfile_backups=0
{settings}
"""


@dataclass(frozen=True)
class Supervised:
    """A running supervisord; ``directory`` has its configuration, its log and the program's log."""

    daemon: Program
    directory: Path
    tools: Path

    def pid(self) -> int:
        """The program's process now, 0 when there is none."""
        argv: list[str | Path] = [self.tools / "supervisorctl", "-c", self.directory / "supervisord.conf", "pid", NAME]
        text = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stdout.strip()
        return int(text) if text.isdigit() else 0

    def output(self) -> str:
        """What the program has printed."""
        log = self.directory / "worker.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def history(self) -> str:
        """The log of supervisord itself."""
        return (self.directory / "supervisord.log").read_text()


@contextmanager
def supervised(
    directory: Path, command: Sequence[str], environment: Mapping[str, str], *settings: str
) -> Iterator[Supervised]:
    """Run ``command`` as the program ``export:worker`` with ``autorestart=true``; ``settings``: more lines for it."""
    directory.mkdir(parents=True)
    configuration = directory / "supervisord.conf"
    configuration.write_text(_CONFIGURATION.format(command=shlex.join(command), settings="\n".join(settings)))
    tools = Path(command[0]).parent
    daemon: list[str | Path] = [tools / "supervisord", "-c", configuration]
    with started(daemon, directory / "console.log", {**os.environ, **environment}) as program:
        site = Supervised(program, directory, tools)
        wait_for(site.pid, 60, "supervisord to run the program")
        yield site
