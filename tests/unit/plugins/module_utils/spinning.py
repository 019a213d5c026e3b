# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that spin, on a machine that may have no CPU for them for a while."""

from __future__ import annotations

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_clock, _cpu_sampling
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import wait_until

#: Nanoseconds: CPU time of processes is counted in ticks of up to 10 ms.
_TWO_TICKS = 20_000_000


def seen_to_spin(monkeypatch: pytest.MonkeyPatch, *pids: int) -> None:
    """From now on each part of a window lasts until each of these has got two ticks of CPU time in it."""
    sleep_until = _cpu_sampling._sleep_until

    def patiently(moment: float) -> None:
        before = _cpu_clock.used_by(pids)
        sleep_until(moment)
        wait_until(lambda: all(_cpu_clock.used_by([pid])[pid] >= before[pid] + _TWO_TICKS for pid in pids))

    monkeypatch.setattr(_cpu_sampling, "_sleep_until", patiently)
