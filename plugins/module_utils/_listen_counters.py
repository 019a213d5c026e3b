# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters of a network namespace in ``/proc/PID/net/netstat`` (net/ipv4/proc.c, netstat_seq_show)."""

from __future__ import annotations

import os
from typing import Iterable, NamedTuple, Optional


class ListenCounters(NamedTuple):
    """Since boot, or since the namespace was made, over all its listening sockets.

    ``overflows``: connections refused because an accept queue was full; ``drops``: those, and others for any reason.
    """

    overflows: int
    drops: int


def parse(text: str) -> Optional[ListenCounters]:
    """None when the kernel does not count them."""
    lines = [line.split() for line in text.splitlines() if line.startswith("TcpExt:")]
    if len(lines) < 2:
        return None
    values = dict(zip(lines[0][1:], lines[1][1:]))
    if "ListenOverflows" not in values or "ListenDrops" not in values:
        return None
    return ListenCounters(int(values["ListenOverflows"]), int(values["ListenDrops"]))


def of_members(pids: Iterable[int], netns: int, proc: str = "/proc") -> Optional[ListenCounters]:
    """The counters as the first of these processes sees that is still in the namespace; None when there is none."""
    for pid in pids:
        try:
            if os.stat("%s/%d/ns/net" % (proc, pid)).st_ino != netns:
                continue
            with open("%s/%d/net/netstat" % (proc, pid), encoding="ascii", errors="replace") as stream:
                return parse(stream.read())
        except OSError:
            continue
    return None
