# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To whom the connections of several hosts lead, all hosts together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PEERS_SHOWN = 10

Row = tuple[str, str, int, int]


def total(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The peers with most; a row is host, address, port, number. Loopback is another peer on every host: left out."""
    totals: dict[tuple[str, int], int] = {}
    hosts: dict[tuple[str, int], set[str]] = {}
    for host, address, port, number in rows:
        if not address.startswith("127.") and address != "::1":
            totals[address, port] = totals.get((address, port), 0) + number
            hosts.setdefault((address, port), set()).add(host)
    ranked = sorted(totals, key=lambda peer: (-totals[peer], peer))
    return [
        {"peer": f"{address}:{port}", "total": totals[address, port], "hosts": len(hosts[address, port])}
        for address, port in ranked[:PEERS_SHOWN]
    ]
