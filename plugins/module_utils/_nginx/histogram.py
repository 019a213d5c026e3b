# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long attempts took, in memory that does not grow with their number.

Times are counted in classes whose bounds grow by a fixed ratio, so that a quantile is off by at most
:data:`RELATIVE_ERROR`, whatever the times are (the idea of DDSketch, Masson, Rim and Lee, VLDB 2019).
"""

from __future__ import annotations

import math
from typing import Dict, Optional

RELATIVE_ERROR = 0.05
_RATIO = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_RATIO = math.log(_RATIO)
#: nginx logs milliseconds; what took none is counted as half of one.
_SHORTEST_S = 0.0005
#: A week. There are at most 214 classes.
_LONGEST_S = 604800.0


class Histogram:
    """Times in seconds."""

    def __init__(self) -> None:
        self.count = 0
        self._classes: Dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """Count one."""
        bounded = min(max(seconds, _SHORTEST_S), _LONGEST_S)
        number = math.ceil(math.log(bounded) / _LOG_RATIO)
        self._classes[number] = self._classes.get(number, 0) + 1
        self.count += 1

    def quantile(self, share: float) -> Optional[float]:
        """The time that so many (0 to 1) took at most, by nearest rank; None when nothing was counted."""
        rank = max(1, math.ceil(share * self.count))
        for number in sorted(self._classes):
            rank -= self._classes[number]
            if rank <= 0:
                return 2 * _RATIO**number / (_RATIO + 1)
        return None
