# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's supervisord on a host, and in it a Celery worker whose tasks may take longer than supervisord waits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scenario_kit.waiting import wait_for

from . import shop
from .base_tree import USER
from .host import Host

TIME_LIMIT_S = 900
FILE = "etc/supervisor/conf.d/export.conf"
_LOG = "var/log/export.log"
_PROGRAM = f"""\
[program:export]
command={shop.COMMAND} --time-limit {TIME_LIMIT_S}
directory={shop.FOLDER}
user={USER}
environment={{environment}}
autorestart=true
redirect_stderr=true
stdout_logfile=/{_LOG}
"""


@dataclass(frozen=True)
class Exporter:
    """A running supervisord with the defaults of old: ``stopwaitsecs`` is 10."""

    host: Host

    def stopwaitsecs(self) -> int | None:
        """What the file says; None when it says nothing."""
        found = re.findall(r"^stopwaitsecs\s*=\s*(\d+)", (self.host.root / FILE).read_text(), re.MULTILINE)
        return int(found[-1]) if found else None

    def runs(self) -> bool:
        """Whether supervisord has its program running."""
        return "RUNNING" in self.host.run("supervisorctl", "status", "export")

    def history(self) -> str:
        """What supervisord has written."""
        return (self.host.root / "var/log/supervisor/supervisord.log").read_text()

    def is_ready(self) -> bool:
        """Whether the worker takes tasks."""
        log = self.host.root / _LOG
        return log.exists() and " ready." in log.read_text()


def exporter(host: Host, url: str) -> Exporter:
    """Start it; it is not waited for."""
    shop.install(host)
    settings = ",".join(f'{name}="{value}"' for name, value in shop.environment(url).items())
    host.write(FILE, _PROGRAM.format(environment=settings))
    host.run("systemctl", "start", "supervisor")
    return Exporter(host)


def wait_until_ready(exporters: list[Exporter]) -> None:
    """Until all of them take tasks."""
    for each in exporters:
        wait_for(each.is_ready, 60, f"the worker of supervisord on {each.host.name}")
