# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests in the logs count."""

from __future__ import annotations

from typing import NamedTuple, Optional


class Span(NamedTuple):
    """What counts: requests that ended in the last ``window`` seconds, and began after ``since`` (since the epoch).

    ``max_bytes``: how much of the end of each log is read at most.
    """

    window: float = 600.0
    since: Optional[float] = None
    max_bytes: int = 8 << 20

    def start(self, now: float) -> float:
        """Before this nothing is looked at."""
        return max(now - self.window, self.since or 0.0)
