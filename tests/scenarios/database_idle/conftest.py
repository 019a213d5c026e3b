# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB resets sessions that were idle for ``wait_timeout``; a Celery worker holds one and never checks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.database_worker import HELD, DatabaseWorker, database_worker
from scenario_kit.mariadb_server import MariadbServer, mariadb_server
from scenario_kit.redis_server import RedisServer, redis_server
from scenario_kit.waiting import wait_for

REDIS_PORT = 17230
DATABASE_PORT = 17231
WAIT_TIMEOUT_S = 5
#: No test takes so long, on a busy machine either.
PATIENCE_S = 900


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The broker, which closes nothing."""
    with redis_server(tmp_path_factory.mktemp("broker") / "redis", REDIS_PORT, 0) as server:
        yield server


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariadbServer]:
    """One server for all tests, as making its data folder takes longest."""
    with mariadb_server(tmp_path_factory.mktemp("database") / "mariadb", DATABASE_PORT, WAIT_TIMEOUT_S) as server:
        yield server


@pytest.fixture
def database(installed: MariadbServer) -> MariadbServer:
    """The server as it was in the beginning."""
    installed.set_timeout(WAIT_TIMEOUT_S)
    return installed


@pytest.fixture
def held(redis: RedisServer, database: MariadbServer, tmp_path: Path) -> Iterator[DatabaseWorker]:
    """The incident: the server has reset the session that the worker holds, and the worker does not know."""
    with database_worker(redis, database, tmp_path, HELD) as worker:
        wait_for(worker.unlisted_fds, 3 * WAIT_TIMEOUT_S + 120, "the server to reset the idle session")
        assert database.sessions() == []
        yield worker


@pytest.fixture
def patient(redis: RedisServer, database: MariadbServer, tmp_path: Path) -> Iterator[DatabaseWorker]:
    """A worker that holds a session of a server that keeps it for long."""
    database.set_timeout(PATIENCE_S)
    with database_worker(redis, database, tmp_path, HELD) as worker:
        assert len(database.sessions()) == 1
        yield worker
