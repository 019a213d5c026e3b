# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings of a program would cause the next incident (refused), and which only deserve a word. Pure."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._celery.command import Worker
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.programs import Settings
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.systemd_stop import Unit

#: With these Celery finishes its tasks. QUIT drops them, HUP starts a new worker in place of ending, USR1 and USR2
#: end nothing (Celery, "Workers Guide", process signals).
_CELERY_WARM = ("TERM", "INT")
_ONE_PROCESS = ("solo", "gevent", "eventlet", "threads")


class Case(NamedTuple):
    """One program. ``now`` and ``then``: its settings before and after; ``worker``: None when it is not Celery."""

    part: str
    now: Settings
    then: Settings
    worker: Optional[Worker]


class Allowed(NamedTuple):
    """What the caller takes the risk of."""

    lower: bool
    stopasgroup: bool


def refusals(case: Case, allowed: Allowed) -> list[str]:
    """Reasons not to write this, in sentences without a full stop; empty when there are none."""
    found = [_impossible(case.then), _signal(case)]
    if not allowed.lower:
        found.append(_lower(case))
    if not allowed.stopasgroup:
        found.append(_group(case))
    return ["[%s]: %s" % (case.part, reason) for reason in found if reason]


def warnings(case: Case, unit: Optional[Unit]) -> list[str]:
    """What is not refused and may still kill tasks."""
    found = [_time_limit(case), _orphans(case), _group_stays(case), _unit(case.then, unit)]
    return ["[%s]: %s" % (case.part, reason) for reason in found if reason]


def _impossible(then: Settings) -> Optional[str]:
    if then.stopasgroup and then.killasgroup is False:
        return "stopasgroup=true with killasgroup=false is refused by supervisord itself"
    if then.stopwaitsecs is not None and then.stopwaitsecs < 0:
        return "stopwaitsecs=%d is no time" % then.stopwaitsecs
    return None


def _signal(case: Case) -> Optional[str]:
    changed = case.then.stopsignal != case.now.stopsignal
    if changed and case.worker is not None and case.then.stopsignal not in _CELERY_WARM:
        reason = "stopsignal=%s does not let Celery finish its tasks (TERM and INT do), so they would be lost"
        return reason % case.then.stopsignal
    return None


def _lower(case: Case) -> Optional[str]:
    now, then = case.now.stopwaitsecs, case.then.stopwaitsecs
    if now is None or then is None or then >= now:
        return None
    reason = "stopwaitsecs=%d is less than the %d of now: work that takes longer would be killed at every stop"
    return (reason + " (allow_lower allows it)") % (then, now)


def _group(case: Case) -> Optional[str]:
    if not case.then.stopasgroup or case.now.stopasgroup or not _is_prefork(case.worker):
        return None
    return (
        "stopasgroup=true sends the signal to the pool of a Celery worker too, which ends its tasks at once instead of"
        " finishing them; killasgroup=true is what is wanted (allow_stopasgroup allows it)"
    )


def _group_stays(case: Case) -> Optional[str]:
    if case.now.stopasgroup and case.then.stopasgroup and _is_prefork(case.worker):
        return "stopasgroup is true, so the pool of this Celery worker gets the signal too, and its tasks end at once"
    return None


def _time_limit(case: Case) -> Optional[str]:
    limits = [case.worker.time_limit, case.worker.soft_time_limit] if case.worker else []
    longest = max((limit for limit in limits if limit is not None), default=None)
    if longest is None or case.then.stopwaitsecs is None or longest <= case.then.stopwaitsecs:
        return None
    reason = "its Celery tasks may take %g s, and stopwaitsecs=%d kills them before"
    return reason % (longest, case.then.stopwaitsecs)


def _orphans(case: Case) -> Optional[str]:
    if not _is_prefork(case.worker) or case.then.killasgroup is not False:
        return None
    return "killasgroup is false: when stopwaitsecs is over, only the main process of Celery is killed, not its pool"


def _unit(then: Settings, unit: Optional[Unit]) -> Optional[str]:
    if unit is None or then.stopwaitsecs is None or unit.stop_timeout > then.stopwaitsecs:
        return None
    reason = "systemd stops %s within TimeoutStopSec=%g s, and stopwaitsecs=%d needs more: raise it to more than that"
    return reason % (unit.name, unit.stop_timeout, then.stopwaitsecs)


def _is_prefork(worker: Optional[Worker]) -> bool:
    return worker is not None and worker.pool not in _ONE_PROCESS
