# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replication that Sentinels watch, of Redis and of Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.sentinel_group import REDIS, SentinelGroup, sentinel_group, valkey

FIRST = 17980
TIMEOUT_S = 1200


@pytest.fixture(params=["redis", "valkey"])
def group(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SentinelGroup]:
    """A primary, a replica and three Sentinels of that kind."""
    programs = REDIS if request.param == "redis" else valkey()
    with sentinel_group(tmp_path / "group", FIRST, TIMEOUT_S, programs) as running:
        yield running


@pytest.fixture
def redis_group(tmp_path: Path) -> Iterator[SentinelGroup]:
    """The same of Redis alone."""
    with sentinel_group(tmp_path / "group", FIRST, TIMEOUT_S, REDIS) as running:
        yield running
