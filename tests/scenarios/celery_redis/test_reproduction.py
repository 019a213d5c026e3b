# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident happens here as it does in production, without any part of the collection."""

from __future__ import annotations

from scenario_kit.celery_spin import SpinningWorker
from scenario_kit.kernel_scheduling import watch_conduct
from scenario_kit.kernel_sockets import close_wait_fds, half_closed_watches


def test_one_of_several_half_closed_sockets_spins_the_loop(spinning: SpinningWorker) -> None:
    """Counting CLOSE_WAIT is no diagnosis: most are idle pool entries, one is watched."""
    conduct = watch_conduct(spinning.pid, 2.0, samples=10)
    assert conduct.spins
    assert "S" not in conduct.states
    assert len(half_closed_watches(spinning.pid)) == 1
    assert len(close_wait_fds(spinning.pid)) >= 3
    assert spinning.site.undone() == set(spinning.site.queued)
