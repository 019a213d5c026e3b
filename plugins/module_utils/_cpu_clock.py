# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU time of whole processes, to the nanosecond: who has run at all between two looks (clock_getcpuclockid(3))."""

from __future__ import annotations

import time
from typing import Dict, Iterable, Optional

#: The clock of all threads together is told by the kernel as (~pid << 3) | CPUCLOCK_SCHED (linux/posix-timers_types.h).
_WHOLE_PROCESS = 2


def used(pid: int) -> Optional[int]:
    """Nanoseconds; None when there is no such process here."""
    try:
        return time.clock_gettime_ns((~pid << 3) | _WHOLE_PROCESS)
    except OSError:
        return None


def used_by(pids: Iterable[int]) -> Dict[int, int]:
    """The same for each of them; who is gone is left out."""
    return {pid: nanoseconds for pid, nanoseconds in ((pid, used(pid)) for pid in pids) if nanoseconds is not None}
