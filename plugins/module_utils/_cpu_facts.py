# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON shapes of the ``cpu`` subset. Pure: ticks in, plain data out. Percent is always of one CPU."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_sampling

Fact = Dict[str, Any]


class Usage(NamedTuple):
    """A process over the window; the thread is the one that used most, None when threads were not followed."""

    percent: float
    user_percent: float
    system_percent: float
    windows: List[float]
    states: List[str]
    voluntary_per_s: float
    involuntary_per_s: float
    thread: Optional[Fact]


def usage(ticks: Sequence[_cpu_sampling.Tick]) -> Usage:
    """What the ticks of one process say; at least two ticks."""
    first, last = ticks[0], ticks[-1]
    seconds = max(last.when - first.when, 1e-6)
    followed = [tick for tick in ticks if tick.threads]
    switches = _switches(followed)
    return Usage(
        percent=_cpu_sampling.share(first, last),
        user_percent=100.0 * (last.user - first.user) / seconds,
        system_percent=100.0 * (last.system - first.system) / seconds,
        windows=[round(_cpu_sampling.share(a, b), 1) for a, b in zip(ticks, ticks[1:])],
        states=[tick.state for tick in ticks],
        voluntary_per_s=switches[0],
        involuntary_per_s=switches[1],
        thread=_hottest(followed),
    )


def shown(usage_: Usage) -> Fact:
    """The numbers of a usage as facts."""
    return {
        "cpu_percent": round(usage_.percent, 1),
        "user_percent": round(usage_.user_percent, 1),
        "system_percent": round(usage_.system_percent, 1),
        "cpu_percent_windows": usage_.windows,
        "state": usage_.states[-1],
        "states": usage_.states,
        "voluntary_per_s": round(usage_.voluntary_per_s, 2),
        "involuntary_per_s": round(usage_.involuntary_per_s, 2),
        "hottest_thread": usage_.thread,
    }


def _hottest(ticks: Sequence[_cpu_sampling.Tick]) -> Optional[Fact]:
    """The thread with most CPU between the first and the last tick that have threads."""
    if len(ticks) < 2:
        return None
    seconds = max(ticks[-1].when - ticks[0].when, 1e-6)
    first, last = ticks[0].threads, ticks[-1].threads
    both = [tid for tid in last if tid in first]
    if not both:
        return None
    tid = max(both, key=lambda t: last[t].seconds - first[t].seconds)
    return {
        "tid": tid,
        "cpu_percent": round(100.0 * (last[tid].seconds - first[tid].seconds) / seconds, 1),
        "state": last[tid].state,
        "states": [tick.threads[tid].state for tick in ticks if tid in tick.threads],
        "voluntary_per_s": round((last[tid].voluntary - first[tid].voluntary) / seconds, 2),
        "involuntary_per_s": round((last[tid].involuntary - first[tid].involuntary) / seconds, 2),
    }


def _switches(ticks: Sequence[_cpu_sampling.Tick]) -> tuple[float, float]:
    """Voluntary and involuntary context switches per second over all threads alive at both ends."""
    if len(ticks) < 2:
        return 0.0, 0.0
    seconds = max(ticks[-1].when - ticks[0].when, 1e-6)
    first, last = ticks[0].threads, ticks[-1].threads
    both = [tid for tid in last if tid in first]
    voluntary = sum(last[tid].voluntary - first[tid].voluntary for tid in both)
    involuntary = sum(last[tid].involuntary - first[tid].involuntary for tid in both)
    return voluntary / seconds, involuntary / seconds
