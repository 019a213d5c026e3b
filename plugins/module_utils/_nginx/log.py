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
from typing import Any, Iterable, Iterator, Mapping, NamedTuple, Optional, Pattern, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log_format as nginx_log_format

_BETWEEN = re.compile(r", | : ")


class Attempt(NamedTuple):
    """``seconds`` None: the server was not reached or did not answer; ``status`` None: not logged.

    ``connected``: None when the log does not say.
    """

    address: str
    seconds: Optional[float]
    status: Optional[str]
    connected: Optional[bool] = None


class Request(NamedTuple):
    """``time`` in seconds since the epoch, at its end. ``status``: what the client got; None when it is not logged."""

    time: float
    attempts: Sequence[Attempt]
    status: Optional[str] = None

    @property
    def began(self) -> float:
        """When the first attempt began, in seconds since the epoch."""
        return self.time - sum(attempt.seconds or 0.0 for attempt in self.attempts)


class Figures(NamedTuple):
    """Of one upstream. ``cut``: attempts that nginx ended with 504, whose real time is longer."""

    requests: int
    window_s: float
    attempts: int
    mean_response_s: float
    cut: int


def attempts(addresses: str, times: str, statuses: Optional[str], connects: Optional[str] = None) -> list[Attempt]:
    """The attempts of one request; empty when it went to no upstream."""
    if addresses in ("-", ""):
        return []
    if "," not in addresses and " " not in addresses:
        return [Attempt(addresses, _seconds(times), statuses or None, connects != "-" if connects else None)]
    seconds = [_seconds(text) for text in _BETWEEN.split(times)]
    codes = _BETWEEN.split(statuses) if statuses else []
    connected = [text != "-" for text in _BETWEEN.split(connects)] if connects else []
    return [
        Attempt(server, _at(seconds, index), _at(codes, index), _at(connected, index))
        for index, server in enumerate(_BETWEEN.split(addresses))
    ]


def _at(values: Sequence[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def requests(lines: Iterable[str], pattern: Pattern[str]) -> Iterator[Request]:
    """The requests that went to an upstream. Lines of another format are passed over."""
    for line in lines:
        found = request(line, pattern)
        if found is not None and found.attempts:
            yield found


def request(line: str, pattern: Pattern[str]) -> Optional[Request]:
    """One line; None when it is of another format. There are no attempts where it went to no upstream."""
    match = pattern.match(line.rstrip("\r\n"))
    fields = match.groupdict() if match else {}
    time = nginx_log_format.when(fields) if fields else None
    if time is None:
        return None
    parts = [fields.get("upstream_%s" % name) for name in ("addr", "response_time", "status", "connect_time")]
    return Request(time, attempts(parts[0] or "", parts[1] or "", *parts[2:]), fields.get("status"))


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
