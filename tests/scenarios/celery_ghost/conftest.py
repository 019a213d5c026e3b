# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident: a child inherits the dead broker socket, and keeps the parent's registration of it alive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.celery_ghost import HauntedWorker, haunted_worker
from scenario_kit.celery_worker import CelerySite
from scenario_kit.redis_server import redis_server

REDIS_PORT = 17210
REDIS_TIMEOUT_S = 5


@pytest.fixture
def haunted(tmp_path: Path) -> Iterator[HauntedWorker]:
    """The incident itself."""
    with (
        redis_server(tmp_path / "redis", REDIS_PORT, REDIS_TIMEOUT_S) as redis,
        haunted_worker(CelerySite(redis, tmp_path)) as incident,
    ):
        yield incident
