# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An nginx of a scenario's own in front of backends that count what they answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .nginx_server import NginxServer, answers, nginx_server
from .processes import started
from .waiting import wait_for

_PROGRAM = Path(__file__).with_name("backend_program.py")
_HTTP = """\
    access_log off;
    upstream app {{
{servers}    }}
    server {{
        listen 127.0.0.1:{port};
        proxy_read_timeout   60s;  # as it came
        location / {{ proxy_pass http://app; }}
    }}
"""


@dataclass(frozen=True)
class NginxProxy(NginxServer):
    """``backends`` are ports."""

    backends: Sequence[int]
    python: str

    def answered(self) -> Counter[int]:
        """How many requests each backend has answered so far."""
        return Counter({port: _count(self.folder / f"{port}.count") for port in self.backends})


def _count(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def nginx_proxy(folder: Path, port: int, backends: Sequence[int], python: str) -> Iterator[NginxProxy]:
    """Runs nginx on 127.0.0.1:``port``, and a Python backend on each of the other ports."""
    folder.mkdir(parents=True)
    servers = "".join(f"        server 127.0.0.1:{backend};\n" for backend in backends)
    with ExitStack() as stack:
        for backend in backends:
            serve: list[str | Path] = [python, _PROGRAM, str(backend), folder / f"{backend}.count"]
            stack.enter_context(started(serve, folder / f"{backend}.log"))
        for backend in backends:
            wait_for(lambda backend=backend: answers(backend), 20, f"the backend on {backend}")  # type: ignore[misc]
        nginx = stack.enter_context(nginx_server(folder, port, _HTTP.format(port=port, servers=servers)))
        yield NginxProxy(nginx.program, folder, port, backends, python)
