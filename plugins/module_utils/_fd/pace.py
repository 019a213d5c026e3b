# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to end a stop so that it keeps its cap. Pure."""

from __future__ import annotations

from typing import Protocol

#: Registers put back and detached, as far as it is known before the first time.
_RELEASE_MS = 5.0
_FADE = 0.8


class Timed(Protocol):
    """A stop's clock: ``elapsed_ms`` until now or its end, ``worked_ms`` when its release began."""

    @property
    def elapsed_ms(self) -> float: ...

    @property
    def worked_ms(self) -> float: ...


class Pace:
    """When to end a stop so that it keeps its cap: what one more step and the release may take is told from before.

    What took long once weighs less and less, and half of each stop is for work, or one bad moment of the machine would
    make hundreds of stops out of ten.
    """

    def __init__(self, max_stop_ms: float) -> None:
        self._max_stop_ms = max_stop_ms
        self._last = 0.0
        self._step = 0.0
        self._release = _RELEASE_MS

    def begin(self, stop: Timed) -> None:
        """The process stands still, and the first step begins."""
        self._last = stop.elapsed_ms

    def fits_another(self, stop: Timed) -> bool:
        """A step has ended: whether another one fits in."""
        now = stop.elapsed_ms
        self._step = max(_FADE * self._step, now - self._last)
        self._last = now
        return now + min(self._step + self._release, self._max_stop_ms / 2.0) <= self._max_stop_ms

    def end(self, stop: Timed) -> None:
        """The process runs on."""
        self._release = max(_FADE * self._release, stop.elapsed_ms - stop.worked_ms)
