# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Redis for the workers of this scenario."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.redis_server import RedisServer, redis_server

REDIS_PORT = 17770


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A broker that never closes a connection."""
    with redis_server(tmp_path / "redis", REDIS_PORT, 0) as server:
        yield server
