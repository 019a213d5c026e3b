# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the server settings that closed connections still stand: the same spin would be back soon. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    Cause,
    CauseResult,
    Diagnosis,
    PeerEnd,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.redis import RedisInstance
from ansible_collections.closewait.remediation.plugins.plugin_utils._gathered import Gathered
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _databases, _peers, _wait_timeout


def compare(before: Diagnosis, gathered: Mapping[str, Gathered]) -> list[CauseResult]:
    """Each setting that the earlier diagnosis blames, once, with its value now."""
    blamed = {(peer["host"], peer["address"], peer["port"]): (peer, cause) for peer, cause in _blamed(before)}
    return [_result(peer, cause, gathered) for peer, cause in blamed.values()]


def unexplained(before: Diagnosis) -> Iterator[str]:
    """Findings whose cause nobody knows, one line each: what is healed now may come back."""
    for host, earlier in before["hosts"].items():
        for finding in earlier["findings"]:
            cause = finding["cause"]
            # A timeout of 0 closes nothing any more, whatever it was when the peer closed.
            if cause["status"] in ("unknown", "refuted") and cause["value"] != 0:
                yield f"{host}: {finding['title']}: {cause['summary']}"


def _blamed(before: Diagnosis) -> Iterator[tuple[PeerEnd, Cause]]:
    for host in before["hosts"].values():
        for finding in host["findings"]:
            cause = finding["cause"]
            # Where no remedy touches the setting (a leak), it is the context of the finding and may stay.
            actions = {remedy["action"] for remedy in finding["remedy"]}
            if cause["peer"] and actions & {"redis_timeout", "mysql_timeout"}:
                yield cause["peer"], cause


def _result(peer: PeerEnd, cause: Cause, gathered: Mapping[str, Gathered]) -> CauseResult:
    if cause["setting"] == _wait_timeout.SETTING:
        return _wait_timeout_now(peer, cause, gathered)
    redis = _server(peer, gathered)
    now = redis["timeout"] if redis else None
    result: CauseResult = {
        "host": peer["host"],
        "address": peer["address"],
        "port": peer["port"],
        "service": cause["service"] or "",
        "setting": cause["setting"] or "",
        "before": cause["value"],
        "now": now,
        "verdict": "removed",
        "reason": f"{cause['setting']} is {now}",
    }
    if now is None:
        unread = redis["error"] if redis else "the server was not found again"
        return {**result, "verdict": "could_not_look", "reason": unread or "no reason given"}
    return {**result, "verdict": "still_there"} if now > 0 else result


def _wait_timeout_now(peer: PeerEnd, cause: Cause, gathered: Mapping[str, Gathered]) -> CauseResult:
    """It is never off; removed is that it is longer than it was."""
    seen = gathered.get(peer["host"]) if peer["host"] else None
    server = _databases.on(seen.facts, peer["address"], peer["port"]) if seen and seen.facts else None
    now, before = server["wait_timeout"] if server else None, cause["value"]
    result: CauseResult = {
        "host": peer["host"],
        "address": peer["address"],
        "port": peer["port"],
        "service": cause["service"] or "",
        "setting": cause["setting"] or "",
        "before": before,
        "now": now,
        "verdict": "removed",
        "reason": f"{cause['setting']} is {now}",
    }
    if now is None or before is None:
        unread = server["error"] if server else "the server was not found again"
        return {**result, "verdict": "could_not_look", "reason": unread or "no reason given"}
    return result if now > before else {**result, "verdict": "still_there"}


def _server(peer: PeerEnd, gathered: Mapping[str, Gathered]) -> RedisInstance | None:
    seen = gathered.get(peer["host"]) if peer["host"] else None
    return _peers.redis_on(seen.facts, peer["address"], peer["port"]) if seen and seen.facts else None
