# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run this scenario: build its environments, then its tests in namespaces of their own. Arguments go to pytest."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scenario_kit.environments import cache_directory, ensure_environment
from scenario_kit.interpreters import newest_interpreter
from scenario_kit.launch import REPOSITORY, launch

HERE = Path(__file__).resolve().parent
PACKAGES = {
    "gcc": "gcc",
    "gdb": "gdb",
    "go": "golang-go",
    "java": "openjdk-17-jdk-headless",
    "musl-gcc": "musl-tools",
    "node": "nodejs",
}


def old_gevent() -> Path:
    """An interpreter with a gevent from before its event loop checked descriptors."""
    requirements = HERE / "requirements-old-gevent.txt"
    interpreter = newest_interpreter((3, 11), (3, 14))
    return ensure_environment("runtimes-old-gevent", requirements, interpreter, cache_directory(REPOSITORY))


os.environ["CLOSEWAIT_OLD_GEVENT_PYTHON"] = str(old_gevent())
launch(HERE, PACKAGES)
