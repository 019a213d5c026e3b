# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many local ports a network namespace has for connections it opens (ip(7), ip_local_port_range)."""

from __future__ import annotations

_FOLDER = "sys/net/ipv4"


def available(proc: str = "/proc") -> int:
    """Ports of the calling thread's network namespace, without the reserved ones. Raises OSError."""
    low, high = map(int, _read(proc, "ip_local_port_range").split())
    return count(low, high, _read(proc, "ip_local_reserved_ports"))


def count(low: int, high: int, reserved: str) -> int:
    """``reserved``: "8080,9148-9150", as the kernel prints it."""
    usable = set(range(low, high + 1))
    for part in reserved.strip().split(","):
        first, _dash, last = part.partition("-")
        if first:
            usable.difference_update(range(int(first), int(last or first) + 1))
    return len(usable)


def _read(proc: str, name: str) -> str:
    # The kernel shows the values of the namespace that the reading thread is in.
    with open("%s/%s/%s" % (proc, _FOLDER, name), encoding="ascii") as stream:
        return stream.read()
