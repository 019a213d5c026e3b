# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""supervisord gives a program less time to end than its work takes, and kills it in the middle.

*Proven*: since the file was last changed, its log says that it killed a process of this program. *Likely*: a Celery
task may take, or was seen to take, longer than ``stopwaitsecs``; or ``stopasgroup`` lets a stop end the tasks of a
prefork pool at once, which looks like a clean exit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Cause, Finding, Remedy
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.supervisor import (
    Daemon,
    Kill,
    SupervisedProgram,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _remedies
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Outcome, Scene, missing

ID = "impatient_supervisor"
SPINS = False
KILLS_SHOWN = 5
#: Pools without children: nobody there gets a signal that was meant for the group.
_ONE_PROCESS = ("solo", "gevent", "eventlet", "threads")


class Need(NamedTuple):
    """Why a program needs more time than it gets. ``seconds``: the longest work known, 0 when none is."""

    seconds: float
    kills: list[Kill]
    reasons: list[str]


def evaluate(scene: Scene) -> Outcome:
    """One finding per program."""
    supervisor = scene.facts.get("supervisor")
    if supervisor is None or supervisor["daemons"] is None:
        return Outcome([], missing(scene, "supervisor", "daemons"))
    findings: list[Finding] = []
    unknowns = [f"{supervisor['omitted']} supervisords are not listed"] if supervisor["omitted"] else []
    for daemon in supervisor["daemons"]:
        unknowns += _unseen(daemon)
        for program in daemon["programs"] or []:
            need = _need(program, daemon)
            if need.reasons:
                findings.append(_finding(scene, daemon, program, need))
            elif program["stopwaitsecs"] is None:
                unknowns.append(f"{_subject(daemon, program)}: its stopwaitsecs cannot be told from the files")
    return Outcome(findings, unknowns)


def _unseen(daemon: Daemon) -> list[str]:
    if daemon["programs"] is None:
        return [
            f"the programs of supervisord {daemon['pid']} could not be read: {daemon['error'] or 'no reason given'}"
        ]
    omitted = daemon["programs_omitted"]
    return [f"{omitted} programs of supervisord {daemon['pid']} are not listed"] if omitted else []


def _need(program: SupervisedProgram, daemon: Daemon) -> Need:
    limits = program["celery"]["limits_s"] if program["celery"] else []
    longest = max([*limits, program["longest_task_s"] or 0.0], default=0.0)
    kills = _kills(program, daemon)
    reasons = [_killed(kills, program)] if kills else []
    patience = program["stopwaitsecs"]
    if patience is not None and longest > patience:
        reasons.append(
            f"its tasks take up to {longest:.0f} s ({_known_from(program, longest)}), stopwaitsecs is {patience}"
        )
    if program["stopasgroup"] and program["celery"] and program["celery"]["pool"] not in _ONE_PROCESS:
        reasons.append(
            "stopasgroup=true sends the stop signal to the Celery pool too: tasks end at once, with exit status 0"
        )
    if reasons and program["in_force"] is False:
        reasons.append(
            "what the file says is not in force yet: a plain supervisorctl update would stop it with the old value"
        )
    return Need(longest, kills, reasons)


def _kills(program: SupervisedProgram, daemon: Daemon) -> list[Kill]:
    """Those under the settings of now; older ones are history, and may be why the settings were changed."""
    names = {process["name"].rpartition(":")[2] for process in program["processes"]}
    return [
        kill
        for kill in daemon["kills"] or []
        if kill["process"] in names and kill["at"] is not None and kill["at"] > program["changed_at"]
    ]


def _killed(kills: list[Kill], program: SupervisedProgram) -> str:
    times = "once" if len(kills) == 1 else f"{len(kills)} times"
    return f"supervisord killed it {times} because it had not ended within {program['stopwaitsecs']} s"


def _known_from(program: SupervisedProgram, longest: float) -> str:
    observed = program["longest_task_s"] == longest
    return f"the longest of {program['tasks_seen']} in its log" if observed else "its time limit"


def _finding(scene: Scene, daemon: Daemon, program: SupervisedProgram, need: Need) -> Finding:
    reason = need.reasons[0]
    return {
        "id": ID,
        "host": scene.host,
        "severity": "high",
        "confidence": "proven" if need.kills else "likely",
        "title": f"supervisord stops {_name(program)} too soon: {reason}",
        "process": None,
        "subject": _subject(daemon, program),
        "evidence": _evidence(daemon, program, need),
        "cause": _cause(program, reason),
        "remedy": [*_remedy(scene.host, daemon, program, need), *_advice(daemon, program, need)],
        "unknowns": _doubts(daemon, program),
    }


def _evidence(daemon: Daemon, program: SupervisedProgram, need: Need) -> dict[str, object]:
    return {
        "supervisord": {"pid": daemon["pid"], "start_time": daemon["start_time"]},
        "program": program,
        "kills": need.kills[-KILLS_SHOWN:],
        "kills_total": len(need.kills),
        "unit": daemon["unit"],
        "told": need.reasons,
    }


def _cause(program: SupervisedProgram, reason: str) -> Cause:
    return {
        "status": "proven",
        "summary": f"[{program['program']}] {reason}",
        "peer": None,
        "service": "supervisord",
        "setting": "stopwaitsecs",
        "value": program["stopwaitsecs"],
    }


def _remedy(host: str, daemon: Daemon, program: SupervisedProgram, need: Need) -> list[Remedy]:
    """Nothing where the file to change is not known."""
    if daemon["configuration"] is None:
        return []
    kind, _colon, name = program["program"].partition(":")
    wanted = {"name": name, "section": kind, "stopwaitsecs": _patience(program, need), "killasgroup": True}
    values = {"programs": [{**wanted, "stopasgroup": False}], "apply": "drain", "config_file": daemon["configuration"]}
    why = "lets what runs finish first: a plain supervisorctl update would stop it with the old value"
    return [{"action": "supervisor_stopwait", "where": host, "risk": "disruptive", "vars": values, "why": why}]


def _patience(program: SupervisedProgram, need: Need) -> int:
    """Twice the longest work that is known, and never less than now; ten minutes where none is known."""
    now = program["stopwaitsecs"] or 0
    return max(now, math.ceil(2 * need.seconds) if need.seconds else 600)


def _advice(daemon: Daemon, program: SupervisedProgram, need: Need) -> list[Remedy]:
    """What is above supervisord has to be at least as patient."""
    unit = daemon["unit"]
    limit = unit["stop_timeout_s"] if unit else None
    if unit is None or limit is None or limit > _patience(program, need):
        return []
    why = f"systemd stops {unit['name']} within {limit:g} s: raise its TimeoutStopSec above {_patience(program, need)}"
    return [_remedies.advice(why)]


def _doubts(daemon: Daemon, program: SupervisedProgram) -> list[str]:
    doubts = []
    if daemon["kills"] is None:
        doubts.append("the log of supervisord could not be read: whether it has killed anything is not known")
    if program["in_force"] is None:
        doubts.append(f"whether supervisord runs it with what the file says could not be asked: {daemon['error']}")
    if program["celery"] and not program["tasks_seen"]:
        doubts.append("no finished task stands at the end of the worker's log: how long its tasks take is not known")
    return doubts


def _subject(daemon: Daemon, program: SupervisedProgram) -> str:
    return f"{_name(program)} of supervisord ({daemon['configuration']})"


def _name(program: SupervisedProgram) -> str:
    return program["program"].replace(":", " ", 1)
