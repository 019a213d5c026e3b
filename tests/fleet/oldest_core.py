# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ansible-core that still runs modules on Python 3.8: the newest wants 3.9."""

from __future__ import annotations

import os
from pathlib import Path

from scenario_kit.environments import ensure_environment
from scenario_kit.interpreters import newest_interpreter
from toolchain import interpreters

OLDEST_TARGET = (3, 8)
_VARIABLE = "CLOSEWAIT_OLDEST_ANSIBLE_PYTHON"
_REQUIREMENTS = Path(__file__).with_name("requirements-oldest.txt")


def made(cache: Path) -> dict[str, str]:
    """The environment variable that says where it is; nothing where no such Python is here to run modules on."""
    if interpreters.find(OLDEST_TARGET) is None:
        return {}
    python = ensure_environment("fleet-oldest", _REQUIREMENTS, newest_interpreter((3, 11), (3, 14)), cache)
    return {_VARIABLE: str(python)}


def python() -> str:
    """Its interpreter; raises KeyError where none was made."""
    return os.environ[_VARIABLE]
