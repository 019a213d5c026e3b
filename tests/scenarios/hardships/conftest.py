# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that spins on its half-closed upstream, to be met with under hard circumstances."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.hardship import Hardship, Victims
from scenario_kit.upstream import upstream


@pytest.fixture
def victims(tmp_path: Path) -> Iterator[Victims]:
    with upstream() as peer:
        yield Victims(tmp_path, peer)


@pytest.fixture
def victim(victims: Victims) -> Iterator[Hardship]:
    with victims.start() as started:
        started.spinner.half_close_until_it_spins()
        yield started
