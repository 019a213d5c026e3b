# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of watching the CPU, with the busiest processes followed meanwhile."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_window
from ansible_collections.closewait.remediation.plugins.module_utils._progress import watch


class ProgressWindow(_cpu_window.CpuWindow):
    """Followed from the end of its first part to its own end."""

    def _measure(self) -> _cpu_window.Measured:
        watching = watch.Watch()
        try:
            history = self._follow(watching.attend)
        finally:
            followed = watching.finish()
        return _cpu_window.Measured(history, followed, watching.omitted)
