# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer that can be told to half-close, and the programs that are connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.runtime_bench import Bench
from scenario_kit.upstream import upstream


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with upstream() as peer:
        yield Bench(tmp_path, peer)
