# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What supervisord's own log says about stops. Pure. Supervisor 3.4 and 4.3 use the same words (process.py)."""

from __future__ import annotations

import re
import time
from typing import NamedTuple, Optional

_KILL = re.compile(
    r"^(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(?P<ms>\d+) \w+ killing '(?P<name>[^']*)' \((?P<pid>\d+)\) with SIGKILL",
    re.MULTILINE,
)


class Kill(NamedTuple):
    """``process``: the name without its group; ``at``: seconds since the epoch, None for a time that never was."""

    process: str
    pid: int
    at: Optional[float]


def kills(text: str) -> list[Kill]:
    """Processes that were killed because ``stopwaitsecs`` was over, oldest first. The log has local time."""
    return [
        Kill(m.group("name"), int(m.group("pid")), _epoch(m.group("at"), m.group("ms"))) for m in _KILL.finditer(text)
    ]


def _epoch(text: str, milliseconds: str) -> Optional[float]:
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S")) + int(milliseconds) / 1000
    except (ValueError, OverflowError):
        return None
