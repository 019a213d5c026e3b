# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Redis that is busy while the role is applied, taken back and applied again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.celery_worker import CelerySite
from scenario_kit.redis_server import redis_server
from scenario_kit.steady_clients import SteadyClients, steady_clients

REDIS_PORT = 17950
REDIS_TIMEOUT_S = 1200


@pytest.fixture
def site(tmp_path: Path) -> Iterator[CelerySite]:
    """Redis with a ``timeout``, and nothing else yet."""
    with redis_server(tmp_path / "redis", REDIS_PORT, REDIS_TIMEOUT_S) as redis:
        yield CelerySite(redis, tmp_path)


@pytest.fixture
def clients(site: CelerySite) -> Iterator[SteadyClients]:
    """The clients."""
    with steady_clients(site) as running:
        yield running
