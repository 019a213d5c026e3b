# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A spinning program whose ``fd_close`` is made hard, and what must hold of it afterwards whatever came out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .direct_module import check_module, run_module
from .kernel_scheduling import process_state
from .kernel_sockets import socket_inodes
from .meddler import tracer_of
from .spinner import PROGRAMS, Spinner, spinner
from .upstream import Upstream
from .waiting import wait_for

PORT = 17410


def python_program(upstream_port: int) -> list[str | Path]:
    """The argv of a loop of CPython's selectors."""
    python = os.environ["CLOSEWAIT_SERVICE_PYTHON"]
    return [python, PROGRAMS / "selectors_loop.py", str(PORT), str(upstream_port)]


@dataclass(frozen=True)
class Hardship:
    """A running program and where the module may put its files."""

    spinner: Spinner
    folder: Path

    def close(self, wrapper: Sequence[str] = (), **options: Any) -> dict[str, Any]:
        """``fd_close`` on its half-closed connection: the row of the result."""
        return self.close_target(self.spinner.target(), wrapper, **options)

    def close_target(self, target: dict[str, Any], wrapper: Sequence[str] = (), **options: Any) -> dict[str, Any]:
        """The same for what was its connection before."""
        arguments = {
            "targets": [target],
            "min_age": 0,
            "journal": str(self.folder / "journal/fd_close.jsonl"),
            **options,
        }
        result = run_module("fd_close", arguments, self.folder / "scratch", wrapper)
        assert len(result.get("results", [])) == 1, result
        return dict(result["results"][0])

    def predict(self, **options: Any) -> dict[str, Any]:
        """The same in check mode."""
        arguments = {
            "targets": [self.spinner.target()],
            "min_age": 0,
            "journal": str(self.folder / "journal/fd_close.jsonl"),
            **options,
        }
        (row,) = check_module("fd_close", arguments, self.folder / "scratch")["results"]
        return dict(row)

    def check_runs_on(self) -> None:
        """No thread is stopped or traced, and it serves."""
        pid = self.spinner.pid
        tids = [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]
        wait_for(lambda: not tracer_of(pid), 5, "the tracer to be gone")
        states = [process_state(tid) for tid in tids]
        assert not set(states) & set("Tt"), states
        self.spinner.check_service()

    def check_refused(self, row: dict[str, Any], reason: str) -> None:
        """Refused for a reason that matches, with an alternative, and untouched."""
        assert row["outcome"] == "refused", row
        assert re.search(reason, row["reason"]), row
        assert row["alternative"], row
        assert row["unregistered_from"] == []
        assert socket_inodes(self.spinner.pid)[row["fd"]] == row["inode"]
        assert self.spinner.dead_watches()

    def check_consistent(self, row: dict[str, Any]) -> None:
        """What the outcome says is what the kernel shows."""
        there = socket_inodes(self.spinner.pid).get(row["fd"]) == row["inode"]
        watched = bool(self.spinner.dead_watches())
        expected = {"replaced": (False, False), "refused": (True, True), "unwatched": (True, False)}
        assert row["outcome"] in expected, row
        assert (there, watched) == expected[row["outcome"]], row
        assert row["reason"], row

    def check_cured(self) -> None:
        """It sleeps, and gets on with its upstream."""
        wait_for(self.spinner.calm, 10, "the program to sleep")
        assert self.spinner.use() != "used"
        assert [self.spinner.use() for _turn in range(2)] == ["used"] * 2
        self.check_runs_on()


@dataclass(frozen=True)
class Victims:
    """Starts programs on ``upstream``."""

    folder: Path
    upstream: Upstream

    @contextmanager
    def start(self) -> Iterator[Hardship]:
        """A loop of CPython's selectors: a runtime in which ``fd_close`` acts without being forced."""
        with self.start_command(python_program(self.upstream.port)) as started:
            yield started

    @contextmanager
    def start_command(self, command: Sequence[str | Path]) -> Iterator[Hardship]:
        """Another program that serves on ``PORT``."""
        with spinner(command, self.folder / "victim.log", PORT, self.upstream) as program:
            yield Hardship(program, self.folder)
