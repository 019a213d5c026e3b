# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the hosts that an event names are looked at now. Pure: what was done before and the time are given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._events.named_hosts import Refusal

HOUR_S = 3600.0


class Look(TypedDict):
    """An event made somebody look at a host, at that time in seconds since the epoch."""

    host: str
    at: float


class Limits(NamedTuple):
    """``cool_down_s``: how long a host is left alone after a look; ``per_hour``: looks at all hosts together."""

    cool_down_s: float
    per_hour: int


class Admission(NamedTuple):
    """``looks`` is what is to be remembered, those of now included and those too old to matter left out."""

    admitted: list[str]
    refused: list[Refusal]
    looks: list[Look]


def admit(hosts: Iterable[str], before: Sequence[Look], now: float, limits: Limits) -> Admission:
    """Take the hosts in their order as far as the limits go."""
    horizon = max(limits.cool_down_s, HOUR_S)
    # A clock that was set back leaves looks in the future. They count as of now, or they would count for ever.
    looks: list[Look] = [{"host": look["host"], "at": min(look["at"], now)} for look in before]
    looks = [look for look in looks if now - look["at"] < horizon]
    admitted: list[str] = []
    refused: list[Refusal] = []
    for host in hosts:
        reason = _reason(host, looks, now, limits)
        if reason is None:
            admitted.append(host)
            looks.append({"host": host, "at": now})
        else:
            refused.append(Refusal(host, reason))
    return Admission(admitted, refused, looks)


def _reason(host: str, looks: Sequence[Look], now: float, limits: Limits) -> str | None:
    """Why the host is not looked at now; None when it is."""
    ages = [now - look["at"] for look in looks if look["host"] == host]
    if ages and min(ages) < limits.cool_down_s:
        return f"it was looked at {min(ages):.0f} s ago, and is left alone for {limits.cool_down_s:g} s"
    if sum(now - look["at"] < HOUR_S for look in looks) >= limits.per_hour:
        return f"{limits.per_hour} hosts were looked at in the last hour, which is the limit"
    return None
