# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the servers of an upstream can do what comes in: arrival rate x service time / processes < 1."""

from __future__ import annotations

from typing import NamedTuple


class Load(NamedTuple):
    """What a log says of one upstream: ``requests`` in ``window_s``, and how long an attempt took on average.

    ``cut``: attempts that a timeout ended, so that the real service time is longer.
    """

    requests: int
    window_s: float
    attempts: int
    mean_response_s: float
    cut: int


class Judgement(NamedTuple):
    """``verdict``: ``below``, ``above`` or ``unknown``; ``utilisation``: None when it could not be told."""

    verdict: str
    utilisation: float | None
    reason: str


#: Fewer requests say little about a rate.
_FEWEST = 10


def judge(load: Load | None, processes: int) -> Judgement:
    """``processes``: how many requests the servers work on at the same time."""
    if load is None or load.requests < _FEWEST or not load.attempts or load.window_s <= 0:
        seen = 0 if load is None else load.requests
        return Judgement("unknown", None, f"{seen} requests in the log are too few to tell (at least {_FEWEST})")
    rate = load.requests / load.window_s
    utilisation = rate * load.mean_response_s / processes
    figures = f"{rate:.2f} requests/s x {load.mean_response_s:.3f} s / {processes} processes = {utilisation:.2f}"
    if utilisation >= 1:
        return Judgement("above", utilisation, figures)
    if load.cut:
        return Judgement("unknown", utilisation, f"at least {figures}, as a timeout cut {load.cut} attempts short")
    return Judgement("below", utilisation, figures)


def advice(upstream: str, judgement: Judgement, *, raised: bool) -> str | None:
    """The warning for a read timeout that is ``raised``, or for servers that are taken out; None when all is well."""
    if judgement.verdict == "below":
        return None
    what = "a longer read timeout" if raised else "a server fewer"
    if judgement.verdict == "unknown":
        return f"upstream {upstream}: whether {what} is good could not be told: {judgement.reason}"
    limits = "limit proxy_next_upstream (tries, timeout, or off) instead, and make the application faster"
    does = "only makes more requests wait" if raised else "leaves too few"
    return f"upstream {upstream}: {what} {does}, it is at or above capacity ({judgement.reason}): {limits}"
