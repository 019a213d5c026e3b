# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loop under timers and signals, which arrive all the time and also during a stop."""

from __future__ import annotations

import os
import signal

from .. import place
from .loop import looping

REAL_S, PROFILING_S = 0.007, 0.011


def run(given: place.Place) -> None:
    signals = (signal.SIGALRM, signal.SIGPROF, signal.SIGUSR1)
    taken = dict.fromkeys(signals, 0)

    def count(number: int, _frame: object) -> None:
        taken[signal.Signals(number)] += 1

    for number in signals:
        signal.signal(number, count)
    signal.setitimer(signal.ITIMER_REAL, REAL_S, REAL_S)
    signal.setitimer(signal.ITIMER_PROF, PROFILING_S, PROFILING_S)
    load = looping(given)
    sent = 0
    while given.go_on():
        os.kill(os.getpid(), signal.SIGUSR1)
        sent += 1
        load.round()
        if taken[signal.SIGUSR1] != sent:
            load.fault(-1, 0, f"{sent} signals were sent and {taken[signal.SIGUSR1]} taken")
            sent = taken[signal.SIGUSR1]
    if not taken[signal.SIGALRM]:
        load.fault(-1, 0, "the timer never fired")
    for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    place.last_words(load)
