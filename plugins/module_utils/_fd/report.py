# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of each target, as the module returns it. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import (
    CLOSE,
    PLACEHOLDER,
    Decision,
    Target,
)

WOULD = {CLOSE: "would_close", PLACEHOLDER: "would_replace"}
DONE = {CLOSE: "closed", PLACEHOLDER: "replaced"}
#: Only the registration was removed.
UNWATCHED = "unwatched"
#: The process ended in our hands.
LOST = "lost"

Result = Dict[str, Any]


class Report(NamedTuple):
    """``results`` one per target, ``stops`` one per stop: ``{pid, stop_ms, fds, held}``, ``warnings``: lines."""

    results: List[Result]
    stops: List[Result]
    warnings: Sequence[str] = ()


def predicted(target: Target, decision: Decision) -> Result:
    """What would be done now."""
    outcome = decision.outcome or WOULD[str(decision.method)]
    return _result(target, outcome, decision.method, decision.reason, decision.alternative)


def left(target: Target, decision: Decision) -> Result:
    """It was not closed, for the decision's reason."""
    return _result(target, str(decision.outcome), decision.method, decision.reason, decision.alternative)


def done(target: Target, method: str, reason: str, stop_ms: Optional[float]) -> Result:
    """It was closed, so far into the stop."""
    result = _result(target, DONE[method], method, reason, None)
    result["stop_ms"] = None if stop_ms is None else round(stop_ms, 2)
    return result


def _result(target: Target, outcome: str, method: Optional[str], reason: str, alternative: Optional[str]) -> Result:
    return {
        "pid": target.pid,
        "start_time": target.start_time,
        "fd": target.fd,
        "inode": target.inode,
        "outcome": outcome,
        "method": method,
        "reason": reason,
        "alternative": alternative,
        "unregistered_from": [],
        "stop_ms": None,
    }
