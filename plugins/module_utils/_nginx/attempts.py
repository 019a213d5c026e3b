# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attempts at the servers of all upstreams of one nginx, from the logs that its configuration names."""

from __future__ import annotations

import time
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log as nginx_log
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log_format as nginx_log_format
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log_window as nginx_log_window
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import tally as nginx_tally
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.access_logs import Log
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.span import Span
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tally import UpstreamTally


class Reading(NamedTuple):
    """What was read of one log. ``other_lines``: those of another format. Times in seconds since the epoch."""

    path: str
    files: int
    lines: int
    other_lines: int
    oldest: Optional[float]
    newest: Optional[float]
    cut: Optional[str]


def count(logs: Sequence[Log], tallies: Sequence[UpstreamTally], span: Span) -> Tuple[List[Reading], Dict[str, str]]:
    """Show every request of the span to the upstreams that it went to; and why a log could not be read, by path."""
    readings: List[Reading] = []
    faults: Dict[str, str] = {}
    for log in logs:
        try:
            readings.append(_count(log, tallies, span))
        except (OSError, EOFError) as exc:
            faults[log.path] = getattr(exc, "strerror", None) or str(exc)
    return readings, faults


def _count(log: Log, tallies: Sequence[UpstreamTally], span: Span) -> Reading:
    pattern = nginx_log_format.compiled(log.format)

    def when(line: str) -> Optional[float]:
        found = nginx_log.request(line, pattern)
        return found.time if found else None

    start = span.start(time.time())
    window = nginx_log_window.window(log.path, start, span.max_bytes, when)
    total = _Count(nginx_tally.by_address(tallies))
    for part in window.parts:
        total.add_all((nginx_log.request(line, pattern) for line in nginx_log_window.lines(part)), start, span.since)
    return Reading(log.path, len(window.parts), total.lines, total.other, total.oldest, total.newest, window.cut)


class _Count:
    def __init__(self, concerned: Dict[str, List[UpstreamTally]]) -> None:
        self.lines = 0
        self.other = 0
        self.oldest: Optional[float] = None
        self.newest: Optional[float] = None
        self._concerned = concerned

    def add_all(self, found: Iterable[Optional[nginx_log.Request]], start: float, since: Optional[float]) -> None:
        for request in found:
            self.lines += 1
            if request is None:
                self.other += 1
            elif request.time >= start and (since is None or request.began >= since):
                self._add(request)

    def _add(self, request: nginx_log.Request) -> None:
        self.oldest = request.time if self.oldest is None else min(self.oldest, request.time)
        self.newest = request.time if self.newest is None else max(self.newest, request.time)
        addresses = {attempt.address for attempt in request.attempts}
        concerned = [tally for address in addresses for tally in self._concerned.get(address, ())]
        for tally in dict.fromkeys(concerned):
            tally.add(request)
