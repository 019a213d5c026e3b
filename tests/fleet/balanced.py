# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's nginx on a host, which balances over pages on others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scenario_kit.http_load import HttpLoad
from scenario_kit.nginx_server import answers
from scenario_kit.waiting import wait_for

from .host import Host

PORT = 8080
FILE = "etc/nginx/conf.d/shop.conf"
_PROGRAM = Path(__file__).with_name("page_program.py")
_UNIT = """\
[Unit]
Description=A page of the shop

[Service]
ExecStart=/usr/bin/python3 /opt/page.py {port} {seconds}
"""
_SITE = """\
log_format timed '$remote_addr [$time_iso8601] "$request" $status $request_time'
    ' "$upstream_addr" "$upstream_connect_time" "$upstream_response_time" "$upstream_status"';
upstream shop {{
{servers}}}
server {{
    listen 80 default_server;
    access_log /var/log/nginx/shop.log timed;
    location / {{ proxy_pass http://shop; }}
}}
"""


@dataclass(frozen=True)
class Balanced:
    """nginx on ``host`` before all ``pages``."""

    host: Host
    pages: tuple[Host, ...]

    def load(self) -> HttpLoad:
        """What the visitors are; they are to be started."""
        return HttpLoad(80, pause_s=0.3, host=self.host.address)

    def taken_out(self) -> list[str]:
        """The servers that its file marks as ``down``."""
        lines = (self.host.root / FILE).read_text().splitlines()
        return [line.split()[1] for line in lines if line.strip().startswith("server ") and " down" in line]


def balanced(host: Host, pages: Mapping[Host, float]) -> Balanced:
    """nginx, and a page on each of these hosts that takes so many seconds."""
    for page, seconds in pages.items():
        page.write("/opt/page.py", _PROGRAM.read_text())
        page.write("/etc/systemd/system/page.service", _UNIT.format(port=PORT, seconds=seconds))
        page.run("systemctl", "daemon-reload")
        page.run("systemctl", "start", "page")
    (host.root / "etc/nginx/sites-enabled/default").unlink()
    host.write(FILE, _SITE.format(servers="".join(f"    server {page.address}:{PORT};\n" for page in pages)))
    host.run("systemctl", "start", "nginx")
    for page in pages:
        wait_for(lambda page=page: answers(PORT, host=page.address), 30, f"the page on {page.name}")  # type: ignore[misc]
    wait_for(lambda: answers(80, host=host.address), 30, f"nginx on {host.name}")
    return Balanced(host, tuple(pages))
