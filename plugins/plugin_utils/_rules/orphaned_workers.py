# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that a program of supervisord's left behind when it was killed, and that nobody looks after any more.

*Likely*: a Celery worker. *Suspected*: anything else that an earlier run of the program has started, such as what a
task drives; a program may leave a process behind on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import AffectedProcess, Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.supervisor import Orphan
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _remedies
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Outcome, Scene, missing

ID = "orphaned_workers"
SPINS = False


def evaluate(scene: Scene) -> Outcome:
    """One finding per process."""
    supervisor = scene.facts.get("supervisor")
    if supervisor is None or supervisor["orphans"] is None:
        return Outcome([], missing(scene, "supervisor", "orphans"))
    findings = [_finding(scene, orphan) for orphan in supervisor["orphans"]]
    return Outcome(findings, _unseen(scene, supervisor["orphans_omitted"]))


def _unseen(scene: Scene, omitted: int) -> list[str]:
    supervisor = scene.facts.get("supervisor")
    sources: Iterable[str] = (error["source"] for error in supervisor["errors"]) if supervisor else ()
    hidden = ["the environments of some processes could not be read"] if "environments of processes" in sources else []
    return [*hidden, *([f"{omitted} more such processes are not listed"] if omitted else [])]


def _finding(scene: Scene, orphan: Orphan) -> Finding:
    kind = "Celery worker" if orphan["celery"] else "process"
    now = (
        f"supervisord runs {orphan['current_pid']} now" if orphan["current_pid"] else "supervisord does not run it now"
    )
    return {
        "id": ID,
        "host": scene.host,
        "severity": "high" if orphan["celery"] else "medium",
        "confidence": "likely" if orphan["celery"] else "suspected",
        "title": f"{orphan['name']} ({orphan['pid']}) was left behind by {orphan['program']}, {now}",
        "process": _affected(orphan),
        "subject": None,
        "evidence": {
            "program": orphan["program"],
            "current_pid": orphan["current_pid"],
            "ppid": orphan["ppid"],
            "told": [f"a {kind} with the environment of {orphan['program']}, its parent is {orphan['ppid']}; {now}"],
        },
        "cause": {
            "status": "likely",
            "summary": "its main process ended without it, as when stopwaitsecs is over and killasgroup is false",
            "peer": None,
            "service": "supervisord",
            "setting": "killasgroup",
            "value": None,
        },
        "remedy": [_remedies.advice(_what_to_do(orphan))],
        "unknowns": ["whether it still does work that somebody waits for"],
    }


def _affected(orphan: Orphan) -> AffectedProcess:
    return {
        "pid": orphan["pid"],
        "start_time": orphan["start_time"],
        "name": orphan["name"],
        "cmdline": orphan["cmdline"],
        "runtime": None,
        "supervisor": None,
    }


def _what_to_do(orphan: Orphan) -> str:
    return (
        f"nothing is ended that may be at work: look what it does (its children, its log), then end it with kill -TERM "
        f"{orphan['pid']}; killasgroup=true for its program ends it with the rest next time"
    )
