# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident happens here as it does in production, without any part of the collection."""

from __future__ import annotations

from scenario_kit.database_worker import DatabaseWorker
from scenario_kit.kernel_sockets import close_wait_fds


def test_the_first_query_finds_the_server_gone_and_no_later_one_works(held: DatabaseWorker) -> None:
    assert close_wait_fds(held.pool_process()) == [], "a reset leaves nothing that a listing would show"
    held.queue("second", "third", "fourth")
    outcomes = [held.wait_for_outcome(name) for name in ("second", "third", "fourth")]
    assert outcomes == ["OperationalError", "PendingRollbackError", "PendingRollbackError"]
    assert "MySQL server has gone away" in held.supervisor.output()
    assert held.unlisted_fds() == [], "the driver closes it on the failed query, and the session never connects again"
