# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One window of watching the CPU, for all subsets that need it: it is waited for once, whoever asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING, FrozenSet, List, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_options, _cpu_sampling

if TYPE_CHECKING:
    from ansible_collections.closewait.remediation.plugins.module_utils._progress.watch import Followed

NO_PSUTIL = "psutil is missing for this interpreter; install python3-psutil (or pip install psutil) on the managed host"


class Measured(NamedTuple):
    """``followed``: the busiest, where progress was asked for; ``omitted`` of the busy ones are not among them."""

    history: _cpu_sampling.History
    followed: List[Followed]
    omitted: int


class CpuWindow:
    """Not measured before it is asked for."""

    def __init__(self, options: _cpu_options.CpuOptions) -> None:
        self._options = options
        self._measured: Optional[Measured] = None

    def measured(self) -> Optional[Measured]:
        """What was seen; None without psutil."""
        if self._measured is None and _cpu_sampling.HAS_PSUTIL:
            self._measured = self._measure()
        return self._measured

    def users(self) -> FrozenSet[int]:
        """Pids of the processes that used CPU time meanwhile; none as long as nobody has asked for the window."""
        history = self._measured.history if self._measured else {}
        return frozenset(key.pid for key, ticks in history.items() if _cpu_sampling.share(ticks[0], ticks[-1]) > 0)

    def _measure(self) -> Measured:
        """Ticks alone."""
        return Measured(self._follow(_cpu_sampling.attend_nothing), [], 0)

    def _follow(self, attend: _cpu_sampling.Attend) -> _cpu_sampling.History:
        options = self._options
        return _cpu_sampling.follow(options.window, options.subwindows, options.min_percent, attend=attend)
