# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that sleep through a look at the host: none of them can be one that spins.

Reading what the epoll sets of thousands of connections watch costs more than all else together, and only matters where
an event loop does not come to rest. A process that used no CPU time at all for a while, and does not wait for a CPU, is
at rest.
"""

from __future__ import annotations

import os
import time
from typing import FrozenSet, Iterable, List, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_clock, _holders, _procfs

#: So long nobody who wants to run has to wait for a CPU: many times the scheduler's slice.
LOOK_S = 0.1


class Look:
    """Begun when made; :meth:`split` ends it."""

    def __init__(self, pids: Iterable[int], proc: str = "/proc") -> None:
        # Seen from another PID namespace the same number is another process: then nobody is known to sleep.
        self._used = _cpu_clock.used_by(pids) if _is_ours(proc) else {}
        self._began = time.monotonic()

    def split(
        self, owners: Iterable[_holders.Owner], busy: FrozenSet[int], proc: str = "/proc"
    ) -> Tuple[List[_holders.Owner], int]:
        """Those that were awake at some time, and the number of those that slept. ``busy``: known not to sleep."""
        time.sleep(max(0.0, LOOK_S - (time.monotonic() - self._began)))
        every = list(owners)
        awake = [owner for owner in every if owner.pid in busy or not self._slept(owner, proc)]
        return awake, len(every) - len(awake)

    def _slept(self, owner: _holders.Owner, proc: str) -> bool:
        before = self._used.get(owner.pid)
        if before is None or owner.running or _cpu_clock.used(owner.pid) != before:
            return False
        stat = _procfs.stat(owner.pid, proc)
        return stat is not None and stat.start_time == owner.start_time and stat.state != "R"


def _is_ours(proc: str) -> bool:
    """Whether this mount of procfs numbers processes as system calls do."""
    try:
        return os.readlink("%s/self" % proc) == str(os.getpid())
    except OSError:
        return False
