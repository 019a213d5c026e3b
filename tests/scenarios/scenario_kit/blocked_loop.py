# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident of the blocked loop: nginx in front of three supervised Tornado nodes that call a slow third party.

One nginx proxies the same nodes: on ``port`` with its defaults, on ``flood_port`` with ``max_fails=0``, where
each request is tried on every node; and on ``patient_port`` with a timeout that no healthy node comes near, however
busy the machine is.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .kernel_accept import accept_queue, callers, calls
from .processes import Program, started
from .rate_load import Pace, RateLoad, rate_load
from .waiting import wait_for

_HERE = Path(__file__).parent
_NGINX = """\
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    log_format attempts '$msec $status $request_time ua="$upstream_addr" us="$upstream_status" '
                        'urt="$upstream_response_time" uct="$upstream_connect_time"';
    access_log {folder}/access.log attempts;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_connect_timeout {patience}s;
    proxy_read_timeout {patience}s;
    upstream app {{
{servers}    }}
    upstream flood {{
{flooded}    }}
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://app; }} }}
    server {{ listen 127.0.0.1:{flood_port}; location / {{ proxy_pass http://flood; }} }}
    server {{ listen 127.0.0.1:{patient_port}; proxy_read_timeout 60s; location / {{ proxy_pass http://flood; }} }}
}}
"""
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
_NODE = """
[program:node{number}]
command={python} {program} {port} {third_party} %(here)s/style{number}
autorestart=true
startsecs=0
redirect_stderr=true
stdout_logfile=%(here)s/node{number}.log
stdout_logfile_backups=0
"""

#: Both ways to block on a socket: without a timeout in recv(2), with one in poll(2).
BLOCKING = ("blocking", "blocking", "blocking_with_timeout")
#: Far above what blocking nodes can do, and easy for asynchronous ones.
RATE_PER_S = 40.0
#: The load ends with the block; so many are ten minutes of it.
REQUESTS = 24_000
#: Shorter than the 60 s after which a node gives up its call.
LONG_CALL_S = 50
#: What Tornado gives to listen(2).
BACKLOG = 128
_RUNNING = re.compile(r"^(\S+)\s+RUNNING\s+pid (\d+),", re.MULTILINE)


@dataclass(frozen=True)
class BlockedLoopSite:
    """``nodes``: ports of the Tornado programs; ``patience_s``: nginx's read timeout."""

    folder: Path
    python: str
    port: int
    flood_port: int
    patient_port: int
    nodes: tuple[int, ...]
    third_party: int
    patience_s: int

    def pids(self) -> dict[int, int]:
        """Process id of each node by its port; 0 for one that does not run."""
        running = dict(_RUNNING.findall(self._control("status")))
        return {port: int(running.get(f"node{number}", 0)) for number, port in enumerate(self.nodes)}

    def restart(self, *styles: str) -> None:
        """All nodes anew, each with its way of calling the third party; one style is for all."""
        self.choose(*styles)
        self._control("restart", "all")
        for port in self.nodes:
            wait_for(lambda port=port: _accepts(port), 30, f"the node on {port}")  # type: ignore[misc]

    def choose(self, *styles: str) -> None:
        """How each node calls the third party from its next start on; one style is for all."""
        for number in range(len(self.nodes)):
            (self.folder / f"style{number}").write_text(styles[number % len(styles)])

    def slow_down(self, seconds: float) -> None:
        """How long the third party takes from now on."""
        (self.folder / "delay").write_text(str(seconds))

    @contextmanager
    def load(self, port: int, rate: float, count: int, burst: int = 1) -> Iterator[RateLoad]:
        """Requests to one of nginx's ports."""
        with rate_load(self.folder / "load", self.python, port, Pace(rate, count, burst)) as running:
            yield running

    @contextmanager
    def incident(self, port: int, third_party_s: float) -> Iterator[RateLoad]:
        """All nodes blocked under load, seen from outside: clients gave up, and no node is in any call but the one."""
        self.slow_down(third_party_s)
        self.restart(*BLOCKING)
        # What earlier tests asked for while all was well is within the window of the look, and would thin the flood.
        os.truncate(self.folder / "access.log", 0)
        with self.load(port, RATE_PER_S, REQUESTS) as running:
            for node in self.nodes:
                wait_for(lambda node=node: self._stuck(node), 60, f"the node on {node} to block")  # type: ignore[misc]
            yield running

    def _stuck(self, node: int) -> bool:
        # 45 is recvfrom, 7 poll, 271 ppoll; a loop that is free is in epoll_wait.
        seen = calls(self.pids()[node], samples=10)
        return accept_queue(node).half_closed >= 10 and sum(seen[call] for call in ("45", "7", "271", "running")) == 10

    def stand_still(self) -> None:
        """The flood as it stays for most of a minute: each node is in one call that lasts, and its queue is full.

        The nodes go in step, all take what waits at once, and their queues fill again: left alone, all three are
        seldom, and now and then none of them is, where this holds them.
        """
        self._wait_for_full_queues()
        self.slow_down(LONG_CALL_S)
        wait_for(self._calls_last, 30, "a call of each node that lasts")
        self._wait_for_full_queues()

    def _calls_last(self) -> bool:
        """Each call has a connection of its own."""
        before = callers(self.third_party)
        time.sleep(2.0)
        return len(before) == len(self.nodes) and callers(self.third_party) == before

    def _wait_for_full_queues(self) -> None:
        wait_for(lambda: all(accept_queue(node).waiting > BACKLOG for node in self.nodes), 60, "full accept queues")

    def attempts(self) -> list[list[str]]:
        """For each request that nginx has ended, the nodes that it was tried on."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return [line.split('ua="')[1].split('"')[0].replace(" : ", ", ").split(", ") for line in lines]

    def _control(self, *words: str) -> str:
        tool = Path(self.python).with_name("supervisorctl")
        argv: list[str | Path] = [tool, "-c", self.folder / "supervisord.conf", *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stdout.strip()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _servers(nodes: tuple[int, ...], options: str) -> str:
    return "".join(f"        server 127.0.0.1:{port}{options};\n" for port in nodes)


def _write(site: BlockedLoopSite) -> None:
    text = _NGINX.format(
        folder=site.folder,
        patience=site.patience_s,
        servers=_servers(site.nodes, ""),
        flooded=_servers(site.nodes, " max_fails=0"),
        port=site.port,
        flood_port=site.flood_port,
        patient_port=site.patient_port,
    )
    (site.folder / "nginx.conf").write_text(text)
    program = _HERE / "tornado_node_program.py"
    programs = [
        _NODE.format(number=number, python=site.python, program=program, port=port, third_party=site.third_party)
        for number, port in enumerate(site.nodes)
    ]
    (site.folder / "supervisord.conf").write_text(_SUPERVISORD + "".join(programs))


@contextmanager
def blocked_loop_site(site: BlockedLoopSite) -> Iterator[BlockedLoopSite]:
    """Everything runs, the third party is quick, and the nodes call it asynchronously."""
    site.folder.mkdir(parents=True)
    site.folder.chmod(0o755)
    _write(site)
    site.slow_down(0)
    for number in range(len(site.nodes)):
        (site.folder / f"style{number}").write_text("async")
    third_party: list[str | Path] = [
        site.python,
        _HERE / "third_party_program.py",
        str(site.third_party),
        site.folder / "delay",
    ]
    daemon: list[str | Path] = [
        Path(site.python).with_name("supervisord"),
        "-c",
        site.folder / "supervisord.conf",
    ]
    command: list[str | Path] = ["nginx", "-g", "daemon off;", "-p", site.folder, "-c", site.folder / "nginx.conf"]
    with (
        started(third_party, site.folder / "third_party.log"),
        started(daemon, site.folder / "console.log", dict(os.environ)),
        started(command, site.folder / "nginx.log") as nginx,
    ):
        for port in (site.third_party, *site.nodes, site.port, site.flood_port, site.patient_port):
            wait_for(lambda port=port: _accepts(port), 30, f"something on {port}")  # type: ignore[misc]
        try:
            yield site
        finally:
            _leave(nginx)


def _leave(nginx: Program) -> None:
    nginx.process.send_signal(signal.SIGTERM)
    nginx.process.wait(timeout=30)
