# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs on the runtimes, each with a connection to an upstream that can be half-closed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .direct_module import check_module, run_module
from .spinner import PROGRAMS, Ask, Spinner, ask_by_http, ask_by_line, spinner
from .upstream import Upstream

PORT = 17400
Argv = list[str | Path]
Maker = Callable[[], Argv]


@dataclass(frozen=True)
class Bench:
    """Where programs are built and started, and how the collection's modules are run on them."""

    folder: Path
    peer: Upstream

    def command(self, name: str) -> Argv:
        """The argv of a program."""
        makers = {**self._python_programs(), **self._other_programs()}
        return [*makers[name](), str(PORT), str(self.peer.port)] if name != "gunicorn" else makers[name]()

    def _python_programs(self) -> dict[str, Maker]:
        python = os.environ["CLOSEWAIT_SERVICE_PYTHON"]
        return {
            "selectors": lambda: [python, PROGRAMS / "selectors_loop.py"],
            "asyncio": lambda: [python, PROGRAMS / "asyncio_loop.py", "asyncio"],
            "asyncio-transport": lambda: [python, PROGRAMS / "asyncio_transport.py"],
            "uvloop": lambda: [python, PROGRAMS / "asyncio_loop.py", "uvloop"],
            "gevent": lambda: [python, PROGRAMS / "gevent_loop.py"],
            "gevent-old": lambda: [os.environ["CLOSEWAIT_OLD_GEVENT_PYTHON"], PROGRAMS / "gevent_loop.py"],
            "gunicorn": lambda: _gunicorn(python),
        }

    def _other_programs(self) -> dict[str, Maker]:
        return {
            "node": lambda: ["node", PROGRAMS / "node_loop.js"],
            "java": lambda: ["java", "-XX:TieredStopAtLevel=1", PROGRAMS / "NioLoop.java"],
            "go": lambda: [self._build_go()],
            "c-static": lambda: [self._compile("gcc", "-static")],
            "musl": lambda: [self._compile("musl-gcc")],
            "musl-static": lambda: [self._compile("musl-gcc", "-static")],
        }

    @contextmanager
    def start(self, name: str) -> Iterator[Spinner]:
        """The program, serving."""
        ask: Ask = ask_by_http if name == "gunicorn" else ask_by_line
        log = self.folder / f"{name}.log"
        environment = {"CLOSEWAIT_UPSTREAM_PORT": str(self.peer.port), "PYTHONPATH": str(PROGRAMS)}
        with spinner(self.command(name), log, PORT, self.peer, ask, environment) as program:
            yield program

    def close(self, program: Spinner, **options: Any) -> dict[str, Any]:
        """``fd_close`` on its one half-closed connection: the row of the result."""
        arguments = {
            "targets": [program.target()],
            "min_age": 0,
            "journal": str(self.folder / "journal/fd_close.jsonl"),
            **options,
        }
        (row,) = run_module("fd_close", arguments, self.folder / "scratch")["results"]
        return dict(row)

    def predict(self, program: Spinner, **options: Any) -> dict[str, Any]:
        """The same in check mode."""
        arguments = {
            "targets": [program.target()],
            "min_age": 0,
            "journal": str(self.folder / "journal/fd_close.jsonl"),
            **options,
        }
        (row,) = check_module("fd_close", arguments, self.folder / "scratch")["results"]
        return dict(row)

    def runtime(self, program: Spinner) -> dict[str, Any]:
        """What the facts say that it runs on."""
        arguments = {"pids": [program.pid], "window": 1}
        facts = run_module("cpu_facts", arguments, self.folder / "scratch")["ansible_facts"]["closewait"]["cpu"]
        (process,) = (process for process in facts["processes"] if process["pid"] == program.pid)
        return dict(process["runtime"])

    def _compile(self, compiler: str, *options: str) -> Path:
        target = self.folder / "c_loop"
        subprocess.run([compiler, "-O1", "-s", *options, "-o", target, PROGRAMS / "c_loop.c"], check=True)
        return target

    def _build_go(self) -> Path:
        target = self.folder / "go_reader"
        environment = {**os.environ, "GOCACHE": str(self.folder / "go-build"), "GO111MODULE": "off"}
        subprocess.run(["go", "build", "-o", target, PROGRAMS / "go_reader.go"], check=True, env=environment)
        return target


def _gunicorn(python: str) -> Argv:
    options = ["--workers", "1", "--timeout", "120", "--bind", f"127.0.0.1:{PORT}"]
    return [python, "-m", "gunicorn", *options, "gunicorn_app:app"]
