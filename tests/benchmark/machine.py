# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine and the versions that a figure depends on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from . import interpreters


def describe() -> dict[str, str]:
    """Name and value of everything worth knowing, in the order in which it is shown."""
    return {
        "processor": f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "distribution": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "Python of ours": platform.python_version(),
        "Python of the stopped process": interpreters.version(interpreters.victim()),
        "ansible-core": importlib.metadata.version("ansible-core"),
        "psutil": importlib.metadata.version("psutil"),
        "gdb": _first_line("gdb", "--version"),
        "ss": _first_line("ss", "-V"),
        "lsof": _lsof(),
        "load when it started": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "scheduling of all that is measured": _scheduling(),
    }


def _scheduling() -> str:
    real_time = os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO)
    return "real-time (chrt -r 1), before all others on the machine" if real_time else "as all others on the machine"


def _field(path: str, name: str) -> str:
    match = re.search(rf"^{name}\s*:\s*(.*)$", Path(path).read_text(), re.MULTILINE)
    return match.group(1) if match else "unknown"


def _first_line(*argv: str) -> str:
    return (_output(*argv).splitlines() or ["unknown"])[0]


def _lsof() -> str:
    match = re.search(r"revision: (\S+)", _output("lsof", "-v"))
    return match.group(1) if match else "unknown"


def _output(*argv: str) -> str:
    if shutil.which(argv[0]) is None:
        return "not here"
    run = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=20, env={**os.environ, "LC_ALL": "C"}
    )
    return run.stdout + run.stderr
