# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long tasks took, from the log of a Celery worker. Pure.

Since Celery 3.1 the line is ``Task NAME[UUID] succeeded in 41.2s: RESULT`` (celery/app/trace.py, LOG_SUCCESS), at level
INFO. A task that failed or was killed leaves no time.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_DONE = re.compile(r"\bTask [\w.]+\[[0-9a-f-]{36}\] succeeded in (\d+(?:\.\d+)?(?:e-?\d+)?)s\b")


class TaskTimes(NamedTuple):
    """``seen``: tasks with a time; ``longest``: seconds, None when there were none."""

    seen: int
    longest: Optional[float]


def of(text: str) -> TaskTimes:
    """The times in this part of a log."""
    seconds = [float(word) for word in _DONE.findall(text)]
    return TaskTimes(len(seconds), max(seconds, default=None))
