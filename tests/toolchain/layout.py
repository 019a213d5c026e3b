# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are: the repository and its git-ignored cache."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
TOOLCHAIN = TESTS / "toolchain"
REQUIREMENTS = TOOLCHAIN / "requirements"
COLLECTION = "closewait.remediation"


def cache_dir() -> Path:
    """Return what survives between runs: ``$CLOSEWAIT_CACHE``, else ``.cache`` here. Created when missing."""
    path = ROOT / (os.environ.get("CLOSEWAIT_CACHE") or ".cache")
    path.mkdir(parents=True, exist_ok=True)
    return path


def log_dir() -> Path:
    """Return the directory of the stages' logs. Created when missing."""
    path = cache_dir() / "logs"
    path.mkdir(exist_ok=True)
    return path
