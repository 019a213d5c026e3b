# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an access log says of the attempts at upstream servers.

A request that was tried on several servers has a list: a comma and a space between the servers of one upstream, a
space, a colon and a space where an internal redirect went to another one. - stands for a time that there is not
(https://nginx.org/en/docs/http/ngx_http_upstream_module.html#variables).
"""

from __future__ import annotations

import re
from typing import Iterable, Mapping, NamedTuple, Optional, Pattern, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log_format as nginx_log_format

_BETWEEN = re.compile(r", | : ")


class Attempt(NamedTuple):
    """``seconds`` None: the server was not reached or did not answer; ``status`` None: not logged."""

    address: str
    seconds: Optional[float]
    status: Optional[str]


class Request(NamedTuple):
    """``time`` in seconds since the epoch, at its end."""

    time: float
    attempts: Sequence[Attempt]


class Figures(NamedTuple):
    """Of one upstream. ``cut``: attempts that nginx ended with 504, whose real time is longer."""

    requests: int
    window_s: float
    attempts: int
    mean_response_s: float
    cut: int


def attempts(addresses: str, times: str, statuses: Optional[str]) -> list[Attempt]:
    """The attempts of one request; empty when it went to no upstream."""
    if addresses in ("-", ""):
        return []
    servers = _BETWEEN.split(addresses)
    seconds = [_seconds(text) for text in _BETWEEN.split(times)]
    codes = _BETWEEN.split(statuses) if statuses else []
    return [
        Attempt(server, seconds[index] if index < len(seconds) else None, codes[index] if index < len(codes) else None)
        for index, server in enumerate(servers)
    ]


def requests(lines: Iterable[str], pattern: Pattern[str]) -> list[Request]:
    """The requests that went to an upstream. Lines of another format are passed over."""
    found = []
    for line in lines:
        match = pattern.match(line.rstrip("\r\n"))
        fields = match.groupdict() if match else {}
        time = nginx_log_format.when(fields) if fields else None
        if time is not None:
            parts = fields["upstream_addr"], fields["upstream_response_time"], fields.get("upstream_status")
            found.append(Request(time, attempts(*parts)))
    return [request for request in found if request.attempts]


def figures(seen: Sequence[Request], groups: Mapping[str, Sequence[str]], window: float) -> dict[str, Figures]:
    """Per group of addresses, over the last ``window`` seconds of the log.

    A log that is shorter counts for as long as it is.
    """
    if not seen:
        return {name: Figures(0, 0.0, 0, 0.0, 0) for name in groups}
    newest = max(request.time for request in seen)
    recent = [request for request in seen if request.time > newest - window]
    oldest = min(request.time for request in seen)
    span = min(window, newest - oldest)
    return {name: _figures(recent, frozenset(addresses), span) for name, addresses in groups.items()}


def _figures(recent: Sequence[Request], addresses: frozenset[str], span: float) -> Figures:
    mine = [[attempt for attempt in request.attempts if attempt.address in addresses] for request in recent]
    mine = [found for found in mine if found]
    timed = [attempt for found in mine for attempt in found if attempt.seconds is not None]
    mean = sum(attempt.seconds or 0.0 for attempt in timed) / len(timed) if timed else 0.0
    cut = sum(1 for attempt in timed if attempt.status == "504")
    return Figures(len(mine), span, len(timed), mean, cut)


def _seconds(text: str) -> Optional[float]:
    try:
        return float(text)
    except ValueError:
        return None
