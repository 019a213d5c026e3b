# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident by itself, without the collection."""

from __future__ import annotations

from scenario_kit.kernel_scheduling import start_time
from scenario_kit.twisted_backend import TwistedBackend
from scenario_kit.waiting import wait_for

RECOVERY_S = 120


def test_a_full_disk_makes_it_spin_and_free_space_ends_that(full: TwistedBackend) -> None:
    born = start_time(full.pid)
    full.free_disk()
    wait_for(lambda: full.answers(1), RECOVERY_S, "the backend to answer again")
    assert start_time(full.pid) == born
