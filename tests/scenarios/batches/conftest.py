# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program that spins, on a machine that stands in the inventory under two names: two batches of one host each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.hardship import Hardship, Victims
from scenario_kit.playbooks import Control
from scenario_kit.upstream import upstream


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Hardship]:
    with upstream() as peer, Victims(tmp_path, peer).start() as started:
        started.spinner.half_close_until_it_spins()
        yield started


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path / "control", "".join(f"{name} ansible_connection=local\n" for name in ("kiln", "twin")))
