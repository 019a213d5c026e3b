# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts and the controller of these tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fleet import control_groups
from fleet.booted import Booted


@pytest.fixture(scope="session", autouse=True)
def _swept() -> None:
    """What a killed run has left shall not pass for what these tests do."""
    control_groups.sweep()


@pytest.fixture(scope="session")
def booted() -> Booted:
    """Hosts with a systemd."""
    return Booted(Path(os.environ["CLOSEWAIT_CACHE"]))
