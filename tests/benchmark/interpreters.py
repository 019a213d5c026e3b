# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python runs what."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

DISTRIBUTION = Path("/usr/bin/python3")


@cache
def victim() -> str:
    """What the stopped program runs on: the distribution's Python, as services do, else the one of this benchmark."""
    return str(DISTRIBUTION) if DISTRIBUTION.exists() else sys.executable


def version(interpreter: str) -> str:
    """``3.11.2``."""
    code = "import platform; print(platform.python_version())"
    return subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
