# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run this scenario: build its environments, then its tests in namespaces of their own. Arguments go to pytest."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scenario_kit.launch import launch

# What was skipped, and why, is part of the result.
sys.argv.append("-rfEs")
launch(Path(__file__).resolve().parent, {"gcc": "gcc", "gdb": "gdb", "setpriv": "util-linux", "strace": "strace"})
