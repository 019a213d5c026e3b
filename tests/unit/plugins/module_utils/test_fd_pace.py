# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a stop ends, by the hands of a clock that the tests set."""

from __future__ import annotations

from typing import List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._fd.pace import Pace


class Clock:
    """A stop by the hands of a clock that the test sets."""

    def __init__(self, elapsed: float) -> None:
        self.at = elapsed
        self.worked_ms = elapsed

    @property
    def elapsed_ms(self) -> float:
        return self.at


def _steps(pace: Pace, step_ms: float, release_ms: float) -> List[float]:
    """How far a stop has come after each step, and at its end."""
    stop = Clock(3.0)
    pace.begin(stop)
    ends = []
    while True:
        stop.at += step_ms
        ends.append(stop.at)
        if not pace.fits_another(stop):
            break
    stop.worked_ms = stop.at
    stop.at += release_ms
    pace.end(stop)
    return [*ends, stop.at]


@pytest.mark.parametrize(("step", "release"), [(0.5, 2.0), (7.0, 12.0), (19.0, 3.0), (0.1, 30.0)])
def test_a_stop_ends_before_its_cap(step: float, release: float) -> None:
    pace = Pace(100.0)
    _steps(pace, step, release)
    for _turn in range(3):
        ends = _steps(pace, step, release)
        assert ends[-1] <= 100.0
        assert ends[-2] + step + release + 5.0 > 100.0 - step


def test_one_step_is_taken_whatever_it_lasts() -> None:
    assert len(_steps(Pace(1.0), 40.0, 2.0)) == 2


def test_one_bad_moment_is_forgotten_and_never_takes_more_than_half() -> None:
    pace = Pace(100.0)
    _steps(pace, 90.0, 200.0)
    assert 40.0 < _steps(pace, 1.0, 2.0)[-1] < 60.0
    later = [_steps(pace, 1.0, 2.0)[-1] for _turn in range(20)]
    assert later[-1] > 90.0
