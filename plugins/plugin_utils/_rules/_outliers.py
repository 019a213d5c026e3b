# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which server of an upstream is an outlier against the others. Attempts count, not requests.

The rule held on four logs of the rebuilt incident: enough attempts, and either a p95 far above what the siblings need
or a share of failures far above theirs, and nearly all the trouble of the upstream in this one server. A fleet that is
slow as a whole has no outlier, and one slow request makes none. A server that has done well for long enough since is
sick no more, or one that was healed and returned would be taken out again.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.nginx import NginxUpstream, UpstreamServer
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds

#: Good attempts in a row, as a multiple of the usual distance between two bad ones.
RECOVERED_AFTER = 5


class Outlier(NamedTuple):
    """``limit_s``: what is slow here. The shares (0 to 1) are its part in all slow and all failed attempts.

    One that is no reason is None.
    """

    server: UpstreamServer
    siblings: Sequence[UpstreamServer]
    limit_s: float
    siblings_p50_s: float
    slow_share: float | None
    failed_share: float | None


def judged(upstream: NginxUpstream) -> list[UpstreamServer]:
    """The servers that get new requests: what is down is none, whatever was asked of it before."""
    return [server for server in upstream["servers"] if server["state"] != "down" and server["address"] is not None]


def outliers(upstream: NginxUpstream, thresholds: Thresholds) -> list[Outlier]:
    """At most one for slowness and one for failures."""
    servers = judged(upstream)
    found = [
        _outlier(server, [sibling for sibling in servers if sibling is not server], thresholds) for server in servers
    ]
    return [outlier for outlier in found if outlier is not None]


def untold(upstream: NginxUpstream, thresholds: Thresholds) -> str | None:
    """Why the attempts do not show that every server does well, where somebody waits to know; None when they do."""
    few = [server for server in judged(upstream) if server["attempts"] < thresholds.upstream_attempts]
    if upstream["attempts"] < thresholds.upstream_attempts:
        return f"only {upstream['attempts']} attempts were made there since then, too few to tell"
    for server in few:
        if server["state"] == "up" and not server["attempts"]:
            return f"{server['address']} was not tried since then, although it is not down"
        if server["failed"] or _at_least(server, thresholds.upstream_slow_s):
            return f"{server['address']} was slow or failed in one of only {server['attempts']} attempts since then"
    return None


def _outlier(server: UpstreamServer, siblings: list[UpstreamServer], thresholds: Thresholds) -> Outlier | None:
    attempts = sum(sibling["attempts"] for sibling in siblings)
    if min(server["attempts"], attempts) < thresholds.upstream_attempts:
        return None
    medians = [sibling["p50_s"] for sibling in siblings if sibling["p50_s"] is not None]
    median = statistics.median(medians) if medians else 0.0
    limit = max(thresholds.upstream_slow_s, thresholds.upstream_slow_factor * median)
    slow = _slow_share(server, siblings, limit, thresholds)
    failed = _failed_share(server, siblings, thresholds)
    return None if slow is None and failed is None else Outlier(server, siblings, limit, median, slow, failed)


def _slow_share(
    server: UpstreamServer, siblings: list[UpstreamServer], limit: float, thresholds: Thresholds
) -> float | None:
    if server["p95_s"] is None or server["p95_s"] < limit:
        return None
    return _concentrated([_at_least(one, limit) for one in (server, *siblings)], server, thresholds)


def _failed_share(server: UpstreamServer, siblings: list[UpstreamServer], thresholds: Thresholds) -> float | None:
    theirs = sum(one["failed"] for one in siblings) / sum(one["attempts"] for one in siblings)
    if server["failed"] / server["attempts"] < theirs + thresholds.upstream_error_lead:
        return None
    return _concentrated([one["failed"] for one in (server, *siblings)], server, thresholds)


def _concentrated(bad: list[int], server: UpstreamServer, thresholds: Thresholds) -> float | None:
    """The share of the first in all bad attempts, when it has enough of them and nearly all; else None."""
    if bad[0] < thresholds.upstream_bad_attempts or bad[0] < thresholds.upstream_bad_share * sum(bad):
        return None
    # Where every n-th attempt is bad, so many good ones in a row have a chance below 1 %.
    recovered = max(thresholds.upstream_attempts, RECOVERED_AFTER * server["attempts"] / bad[0])
    return None if server["well_since"] >= recovered else bad[0] / sum(bad)


def _at_least(server: UpstreamServer, seconds: float) -> int:
    """Attempts that took so long, or somewhat shorter where the facts do not count from there."""
    bounds = [bound for bound in server["slow"] if float(bound) <= seconds]
    return server["slow"][max(bounds, key=float)] if bounds else server["timed"]
