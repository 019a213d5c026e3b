# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a run, a JSON object a line in ``$CLOSEWAIT_FIGURES`` when that is set."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def record(test: str, **figures: Any) -> None:
    """Add one line."""
    target = os.environ.get("CLOSEWAIT_FIGURES")
    if target:
        with Path(target).open("a") as stream:
            stream.write(json.dumps({"test": test, **figures}) + "\n")
