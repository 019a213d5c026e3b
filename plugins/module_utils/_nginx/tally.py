# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What access logs say of each server of an upstream, request by request and without keeping any."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._nginx.histogram import Histogram
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.log import Attempt, Request

#: Seconds from which attempts are counted as slow, so that whoever judges can choose among them.
SLOW_FROM_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
#: From here on an attempt is not a good one, whoever judges.
_BAD_FROM_S = 1.0
_QUANTILES = {"p50_s": 0.5, "p95_s": 0.95, "p99_s": 0.99}


class ServerTally:
    """The attempts at one address."""

    def __init__(self) -> None:
        self.attempts = 0
        self.failed = 0
        self.never_connected = 0
        self.timed_out = 0
        #: attempts since the last that failed or was slow
        self.well_since = 0
        self._times = Histogram()
        self._slow = [0] * len(SLOW_FROM_S)

    def add(self, attempt: Attempt) -> None:
        """Count one."""
        self.attempts += 1
        # What the client broke off (499) has no status, and is no fault of the server.
        failed = attempt.status is not None and attempt.status.startswith("5")
        self.failed += failed
        self.well_since = 0 if failed or (attempt.seconds or 0.0) >= _BAD_FROM_S else self.well_since + 1
        self.timed_out += attempt.status == "504"
        self.never_connected += attempt.connected is False
        if attempt.seconds is not None:
            self._times.add(attempt.seconds)
            for index, bound in enumerate(SLOW_FROM_S):
                self._slow[index] += attempt.seconds >= bound

    def shown(self) -> Dict[str, Any]:
        """As facts."""
        return {
            "attempts": self.attempts,
            "timed": self._times.count,
            "failed": self.failed,
            "never_connected": self.never_connected,
            "timed_out": self.timed_out,
            "well_since": self.well_since,
            "slow": {"%g" % bound: count for bound, count in zip(SLOW_FROM_S, self._slow)},
            **{name: _rounded(self._times.quantile(share)) for name, share in _QUANTILES.items()},
        }


class UpstreamTally:
    """The requests to one upstream. ``addresses``: how nginx logs its servers."""

    def __init__(self, name: str, addresses: Iterable[str]) -> None:
        self.name = name
        self.servers = {address: ServerTally() for address in addresses}
        self.requests = 0
        self.retried = 0
        self.client_gone = 0
        self.no_live = 0

    def add(self, request: Request) -> None:
        """Count one request, when it went here."""
        mine = [attempt for attempt in request.attempts if attempt.address in self.servers]
        # nginx names the upstream when it had no server to try.
        nobody = any(attempt.address == self.name for attempt in request.attempts)
        if not mine and not nobody:
            return
        self.requests += 1
        self.retried += len(mine) > 1
        self.no_live += nobody
        self.client_gone += request.status == "499"
        for attempt in mine:
            self.servers[attempt.address].add(attempt)

    def shown(self) -> Dict[str, Any]:
        """As facts, without the servers."""
        attempts = sum(server.attempts for server in self.servers.values())
        return {
            "requests": self.requests,
            "attempts": attempts,
            "retried": self.retried,
            "attempts_per_request": round(attempts / self.requests, 2) if self.requests else None,
            "client_gone": self.client_gone,
            "no_live_servers": self.no_live,
        }


def by_address(tallies: Iterable[UpstreamTally]) -> Dict[str, List[UpstreamTally]]:
    """Who is concerned by an address or a name in a line, so that it is not shown to every upstream there is."""
    found: Dict[str, List[UpstreamTally]] = {}
    for tally in tallies:
        for address in (tally.name, *tally.servers):
            found.setdefault(address, []).append(tally)
    return found


def _rounded(seconds: Optional[float]) -> Optional[float]:
    return None if seconds is None else round(seconds, 4)
