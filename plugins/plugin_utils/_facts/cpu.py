# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape of the ``cpu`` subset. Percentages are of one CPU."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import SourceError


class Thread(TypedDict):
    """The thread that used most CPU; ``states`` holds one letter per sample."""

    tid: int
    cpu_percent: float
    state: str
    states: list[str]
    voluntary_per_s: float
    involuntary_per_s: float


class Runtime(TypedDict):
    """What runs the program; ``loops`` are event loop libraries with their versions, "gevent 25.4.1"."""

    name: str
    version: str | None
    loops: list[str]
    role: str | None


class Supervisor(TypedDict):
    """Who would start the process again: "supervisord", "systemd" or None."""

    kind: str | None
    name: str | None


class Process(TypedDict):
    """CPU use of one process over the window."""

    pid: int
    start_time: int
    ppid: int
    name: str
    uid: int
    cmdline: list[str]
    state: str
    states: list[str]
    threads: int
    cpu_percent: float
    user_percent: float
    system_percent: float
    cpu_percent_windows: list[float]
    voluntary_per_s: float
    involuntary_per_s: float
    hottest_thread: Thread | None
    runtime: Runtime | None
    supervisor: Supervisor | None


class CpuFacts(TypedDict):
    """The ``cpu`` subset; ``asked``: pids that are listed, if they are alive, whatever they use."""

    errors: list[SourceError]
    window_s: float
    subwindows: int
    cpus: int
    processes_total: int | None
    processes: list[Process] | None
    omitted: int
    asked: NotRequired[list[int]]
