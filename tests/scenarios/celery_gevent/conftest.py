# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident under the gevent pool, where closing the socket from outside does harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.celery_gevent import GreenSpin, green_spin
from scenario_kit.celery_worker import CelerySite
from scenario_kit.redis_server import redis_server

REDIS_PORT = 17220
REDIS_TIMEOUT_S = 5


@pytest.fixture
def site(tmp_path: Path) -> Iterator[CelerySite]:
    """Redis with a short ``timeout``, and no worker yet."""
    with redis_server(tmp_path / "redis", REDIS_PORT, REDIS_TIMEOUT_S) as redis:
        yield CelerySite(redis, tmp_path, acks_late=True)


@pytest.fixture
def green(site: CelerySite) -> Iterator[GreenSpin]:
    """The incident itself."""
    with green_spin(site) as incident:
        yield incident
