# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accept queues as the kernel shows them in /proc, apart from the collection's own eyes (proc_net(5), proc_pid(5))."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ESTABLISHED, _CLOSE_WAIT, _LISTEN = "01", "08", "0A"


@dataclass(frozen=True)
class AcceptQueue:
    """A port: connections that wait to be accepted, and half-closed ones, accepted or not."""

    waiting: int
    half_closed: int
    unaccepted: int
    peers: frozenset[str]


def _rows() -> Iterator[list[str]]:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        yield line.split()


def _port(end: str) -> int:
    return int(end.split(":")[1], 16)


def accept_queue(port: int) -> AcceptQueue:
    """What waits at a port of this network namespace."""
    rows = [row for row in _rows() if _port(row[1]) == port]
    half_closed = [row for row in rows if row[3] == _CLOSE_WAIT]
    # In the row of a listening socket rx_queue is the number of connections not accepted yet.
    waiting = sum(int(row[4].split(":")[1], 16) for row in rows if row[3] == _LISTEN)
    unaccepted = sum(row[9] == "0" for row in half_closed)
    return AcceptQueue(waiting, len(half_closed), unaccepted, frozenset(row[2].split(":")[0] for row in half_closed))


def callers(port: int) -> frozenset[int]:
    """Own ports of the connections that are open to a port of this machine."""
    rows = [row for row in _rows() if _port(row[2]) == port and row[3] == _ESTABLISHED]
    return frozenset(_port(row[1]) for row in rows)


def calls(pid: int, samples: int = 20, every: float = 0.02) -> Counter[str]:
    """In how many samples the main thread was in which system call, by number; ``running`` when in none."""
    seen: Counter[str] = Counter()
    for _turn in range(samples):
        seen[Path(f"/proc/{pid}/syscall").read_text().split()[0]] += 1
        time.sleep(every)
    return seen
