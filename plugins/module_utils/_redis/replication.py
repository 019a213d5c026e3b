# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a replication: from ``INFO`` of one of them, and from a Sentinel's replies. Pure."""

from __future__ import annotations

import re
from typing import Mapping, NamedTuple, Optional

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"$', re.MULTILINE)
_REPLICA = re.compile(r"slave\d+\Z")


class Place(NamedTuple):
    """Where a member says that it is, or another one says so of it."""

    host: str
    port: int


class Known(NamedTuple):
    """One member as a Sentinel knows it; ``run_id`` is empty when it has never reached it."""

    name: str
    place: Place
    run_id: str


def neighbours(info: Mapping[str, str]) -> list[Place]:
    """The primary and the connected replicas of the server that gave this ``INFO``."""
    found = [_replica(value) for name, value in info.items() if _REPLICA.match(name)]
    if info.get("role") == "slave":
        found.insert(0, _place(info.get("master_host"), info.get("master_port")))
    return [place for place in found if place]


def role(info: Mapping[str, str]) -> Optional[str]:
    """``primary`` or ``replica``; None when it does not say."""
    return {"master": "primary", "slave": "replica"}.get(info.get("role", ""))


def known(stdout: str) -> list[Known]:
    """The answer to ``SENTINEL MASTERS`` or ``SENTINEL REPLICAS``: each entry starts with its ``name``."""
    words = _WORD.findall(stdout)
    entries: list[dict[str, str]] = []
    for key, value in zip(words[::2], words[1::2]):
        if key == "name":
            entries.append({})
        if entries:
            entries[-1][key] = value
    found = ((entry["name"], _place(entry.get("ip"), entry.get("port")), entry.get("runid", "")) for entry in entries)
    return [Known(name, place, run_id) for name, place, run_id in found if place]


def _replica(value: str) -> Optional[Place]:
    # slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0; before 2.8: slave0:10.0.0.2,6379,online
    fields = dict(part.split("=", 1) for part in value.split(",") if "=" in part)
    return _place(fields.get("ip"), fields.get("port"))


def _place(host: Optional[str], port: Optional[str]) -> Optional[Place]:
    # A replica that was told nothing yet, or a Sentinel that lost a name, gives port 0 or "?".
    return Place(host, int(port)) if host and port and port.isdigit() and int(port) else None
