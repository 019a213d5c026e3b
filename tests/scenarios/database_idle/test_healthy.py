# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Negative controls: programs that give sessions back and check or renew them, and a reset that is no database's."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scenario_kit.database_worker import Handling, database_worker
from scenario_kit.kernel_sockets import tcp_states
from scenario_kit.mariadb_server import MariadbServer
from scenario_kit.playbooks import Control
from scenario_kit.redis_server import RedisServer
from scenario_kit.waiting import wait_for

WAIT_TIMEOUT_S = 5
PATIENCE_S = 900
RECYCLED = Handling("closed", {"pool_recycle": 2})
PINGED = Handling("closed", {"pool_pre_ping": True})


@contextmanager
def reset_by_a_stranger() -> Iterator[socket.socket]:
    """A connection of this very process that was reset by a server which is no database; its fd is still open."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        theirs, _address = server.accept()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        yield ours


def assert_healthy(directory: Path) -> None:
    """Run diagnose, which has nothing to say."""
    outcome = Control(directory).playbook("diagnose")
    assert outcome.status == 0, outcome.text
    host = outcome.report("diagnosis.json")["hosts"]["localhost"]
    assert host["findings"] == []
    assert host["verdict"] == "healthy", host


def test_sessions_closed_per_task_and_renewed_in_time(
    redis: RedisServer, database: MariadbServer, tmp_path: Path
) -> None:
    database.set_timeout(PATIENCE_S)
    with database_worker(redis, database, tmp_path, RECYCLED) as worker, reset_by_a_stranger() as stranger:
        first = database.sessions()
        with worker.steady_work():
            wait_for(lambda: database.sessions() != first, 120, "the pool to renew its connection")
            assert os.fstat(stranger.fileno()).st_ino not in tcp_states(), (
                "the control is to be a reset that no listing shows"
            )
            assert_healthy(tmp_path / "control")
        assert worker.failures() == set()


def test_a_pool_that_checks_first_heals_by_itself(redis: RedisServer, database: MariadbServer, tmp_path: Path) -> None:
    with database_worker(redis, database, tmp_path, PINGED) as worker:
        wait_for(worker.unlisted_fds, 3 * WAIT_TIMEOUT_S + 120, "the server to reset the idle connection")
        database.set_timeout(PATIENCE_S)
        worker.queue("second")
        assert worker.wait_for_outcome("second") == "done"
        assert worker.unlisted_fds() == []
        assert_healthy(tmp_path / "control")
        assert worker.failures() == set()
