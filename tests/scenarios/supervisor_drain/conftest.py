# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Celery worker under a supervisord whose ``stopwaitsecs`` is shorter than the tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.busy_worker import BusyWorker, busy_worker
from scenario_kit.redis_server import redis_server

REDIS_PORT = 17750


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[BusyWorker]:
    """The worker in the middle of its first task."""
    with redis_server(tmp_path / "redis", REDIS_PORT, 0) as redis, busy_worker(redis, tmp_path) as worker:
        yield worker
