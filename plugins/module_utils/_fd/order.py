# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done, and how carefully."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Options, Target


class Order(NamedTuple):
    """``max_stop_ms`` caps each stop, ``timeout`` (s) each answer of gdb; ``empty_folder``: only we can write there."""

    options: Options
    gdb: str
    empty_folder: str
    max_stop_ms: float
    timeout: float


class Pending(NamedTuple):
    """A target that may be closed, as decided before the stop."""

    target: Target
    method: str
    reason: str
    settle: bool
