# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident: Redis closes the worker's idle broker connection, and the worker's loop spins on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.celery_spin import SpinningWorker, spinning_worker
from scenario_kit.celery_worker import CelerySite
from scenario_kit.redis_server import redis_server

REDIS_PORT = 17200
REDIS_TIMEOUT_S = 5


@pytest.fixture
def site(tmp_path: Path) -> Iterator[CelerySite]:
    """Redis with a short ``timeout``, and no worker yet."""
    with redis_server(tmp_path / "redis", REDIS_PORT, REDIS_TIMEOUT_S) as redis:
        yield CelerySite(redis, tmp_path)


@pytest.fixture
def spinning(site: CelerySite) -> Iterator[SpinningWorker]:
    """The incident itself."""
    with spinning_worker(site) as incident:
        yield incident
