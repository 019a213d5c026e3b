# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that uses what CPU it gets on system calls that fail, and gets nothing done: a failure that causes itself.

*Proven*: it spins, no progress in any part of the window, the kernel counted the failing calls, and what makes them
fail was found on the host. *Likely*: without the last. *Suspected*: the calls could not be counted, or none fell into
the window.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    Cause,
    Confidence,
    Finding,
    Remedy,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import CpuFacts, Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.progress import (
    FailingCall,
    ProcessProgress,
    ProgressFacts,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import (
    _failed_ground,
    _log_handlers,
    _progress,
    _registrations,
    _remedies,
    _spin,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import (
    Outcome,
    Scene,
    incomplete,
    missing,
)

ID = "failing_loop"
SPINS = True

#: The event loop never gets its turn, so SIGTERM is not acted on: measured, 13 s and no end. Nothing is in work that
#: would be done if one waited longer.
KILL_AFTER_S = 10
CALLS_SHOWN = 5


class Case(NamedTuple):
    """A spinning process without progress; ``failing`` are the calls that mean something."""

    scene: Scene
    cpu: CpuFacts
    process: Process
    progress: ProcessProgress
    failing: list[FailingCall]

    @property
    def ground(self) -> list[_failed_ground.Ground]:
        """What on the host makes the calls fail, as far as it can be seen."""
        return _failed_ground.seen(self.progress, self.failing)


def evaluate(scene: Scene) -> Outcome:
    """One finding per process."""
    cpu, facts = scene.facts.get("cpu"), scene.facts.get("progress")
    gaps = missing(scene, "cpu", "processes")
    if gaps or cpu is None:
        return Outcome([], gaps)
    followed = facts is not None and facts["processes"] is not None
    spinning = [process for process in _spin.spinning(cpu, scene.thresholds) if not _explained(scene, process)]
    starved = [
        process
        for process in _spin.starved(cpu, scene.thresholds)
        if (followed or _is_busy(scene, process)) and not _explained(scene, process)
    ]
    if not spinning and not starved:
        return Outcome([], incomplete(scene, "cpu"))
    gaps = missing(scene, "progress", "processes")
    if gaps or facts is None:
        return Outcome([], gaps)
    outcomes = [_judge(scene, cpu, facts, process) for process in spinning]
    outcomes += [_judge_starved(scene, cpu, facts, process) for process in starved]
    unknowns = [*incomplete(scene, "cpu", "progress"), *(text for outcome in outcomes for text in outcome.unknowns)]
    return Outcome([finding for outcome in outcomes for finding in outcome.findings], unknowns)


def _judge(scene: Scene, cpu: CpuFacts, facts: ProgressFacts, process: Process) -> Outcome:
    progress = _progress.of(scene, process)
    if progress is None:
        return Outcome([], [f"process {process['pid']} spins and is not among those whose progress was followed"])
    if _progress.advances(progress, facts["window_s"]):
        return Outcome([], [])
    if progress["io"] is None or facts["subwindows"] < scene.thresholds.failing_loop_windows:
        return Outcome([], [_unseen(process, progress, facts)])
    failing = _progress.failures(progress, process, scene.thresholds.failing_loop_calls_per_cpu_s)
    case = Case(scene, cpu, process, progress, failing)
    if failing:
        return Outcome([_finding(case, "proven" if case.ground else "likely", [])], [])
    return _without_calls(case)


def _judge_starved(scene: Scene, cpu: CpuFacts, facts: ProgressFacts, process: Process) -> Outcome:
    """On a host with too little CPU for all a loop gets hardly any at times: what it does with the rest shows it."""
    progress, unknown = _progress.of(scene, process), Outcome([], [_spin.why_unknown(process)])
    if progress is not None and _progress.advances(progress, facts["window_s"]):
        return Outcome([], [])
    if progress is None or progress["io"] is None or progress["calls"] is None:
        return unknown if _is_busy(scene, process) else Outcome([], [])
    failing = _progress.failures(progress, process, scene.thresholds.failing_loop_calls_per_cpu_s)
    if not failing:
        return Outcome([], [])
    if not _spin.got_enough(process, cpu):
        return unknown
    case = Case(scene, cpu, process, progress, failing)
    return Outcome([_finding(case, "proven" if case.ground else "likely", [])], [])


def _is_busy(scene: Scene, process: Process) -> bool:
    """Whether a starved process uses enough CPU over the whole window to be looked at without any other occasion."""
    return process["cpu_percent"] >= scene.thresholds.spin_cpu_percent


def _explained(scene: Scene, process: Process) -> bool:
    """Whether a registration in its own epoll set may be why it spins: the other rules speak about that."""
    tcp = scene.facts.get("tcp")
    watchers = tcp["watchers"]["suspects"] if tcp and tcp["watchers"] else []
    own = [
        watcher
        for watcher in _registrations.of_process(watchers, process)
        if not _registrations.is_inherited(watcher, process, watchers)
    ]
    return bool(own) and not _progress.on_no_registration(scene, process)


def _unseen(process: Process, progress: ProcessProgress, facts: ProgressFacts) -> str:
    if progress["io"] is None:
        reasons = "; ".join(f"{error['source']}: {error['reason']}" for error in progress["errors"])
        return (
            f"process {process['pid']} spins, and what it gets done could not be read: {reasons or 'no reason given'}"
        )
    return f"process {process['pid']} spins, and {facts['subwindows']} parts of the window are too few to see progress"


def _without_calls(case: Case) -> Outcome:
    """No failing call was seen: because there is none, because they are rare, or because they could not be counted."""
    counted = case.progress["calls"] is not None
    if counted and not (_progress.never_polls(case.scene, case.process) and _failed_ground.without_room(case.progress)):
        return Outcome([], [])
    if counted:
        return Outcome(
            [_finding(case, "suspected", ["no failing call fell into the window; a longer one may show it"])], []
        )
    why = "; ".join(e["reason"] for e in case.progress["errors"] if e["source"] == "system calls") or "no reason given"
    uncounted = f"its system calls could not be counted: {why}"
    if _progress.writes_nothing(case.progress) or case.ground:
        return Outcome([_finding(case, "suspected", [uncounted])], [])
    # A loop of failing calls spends some of its time in the kernel, computing none.
    if not case.process["system_percent"] or _spin.polling(case.process, case.cpu, case.scene.thresholds) == "computes":
        return Outcome([], [])
    return Outcome([], [f"process {case.process['pid']} spins without any progress, and {uncounted}"])


def _finding(case: Case, confidence: Confidence, unknowns: list[str]) -> Finding:
    process = case.process
    tcp = _progress.connections(case.progress)
    return {
        "id": ID,
        "host": case.scene.host,
        "severity": "critical" if tcp and tcp["listening"] else "high",
        "confidence": confidence,
        "title": f"{process['name']} ({process['pid']}) spins on {_what(case.failing)} and gets nothing done",
        "process": _remedies.affected(process),
        "subject": None,
        "evidence": _evidence(case),
        "cause": _cause(case),
        "remedy": _remedy(case),
        "unknowns": [*unknowns, *_limits(case)],
    }


def _what(failing: list[FailingCall]) -> str:
    names = ", ".join(f"{call['call']} ({call['errno']})" for call in failing[:CALLS_SHOWN])
    return f"failing calls, {names}," if names else "something that fails"


def _evidence(case: Case) -> dict[str, Any]:
    calls, tcp = case.progress["calls"], _progress.connections(case.progress)
    return {
        **_spin.evidence(case.process, case.cpu),
        "failing_calls": case.failing,
        "calls": {key: calls[key] for key in ("seconds", "total", "polls", "moved", "failing")} if calls else None,
        "io": case.progress["io"],
        "tcp": tcp,
        "told": [
            *_told_calls(case),
            *_told_progress(case),
            *filter(None, [_log_handlers.told(case.process["runtime"])]),
        ],
    }


def _told_calls(case: Case) -> list[str]:
    calls = case.progress["calls"]
    if calls is None:
        return []
    each = [f"{call['call']} failed {call['count']} times with {call['errno']}" for call in case.failing[:CALLS_SHOWN]]
    useful = f"{sum(calls['polls'])} waited for events and {sum(calls['moved'])} moved data"
    return [*each, f"of {sum(calls['total'])} system calls in {calls['seconds']:g} s {useful}"]


def _told_progress(case: Case) -> list[str]:
    tcp = _progress.connections(case.progress)
    idle = f", last sent {tcp['sent_ago_s']:.0f} s ago" if tcp and tcp["sent_ago_s"] is not None else ""
    queue = f", {tcp['waiting']} connections wait to be accepted" if tcp and tcp["listening"] else ""
    windows = len(case.progress["io"]["writes"]) if case.progress["io"] else 0
    return [f"{_told_bytes(case)} and no connection begun or ended in {windows} windows{idle}{queue}"]


def _told_bytes(case: Case) -> str:
    read = case.progress["io"]["bytes_read"] if case.progress["io"] else []
    if not any(read):
        return "no byte read or written"
    return f"{sum(read)} bytes read in {sum(map(bool, read))} of {len(read)} windows, none written,"


def _cause(case: Case) -> Cause:
    ground = case.ground
    seen = "; ".join(one.what for one in ground)
    meaning = _failed_ground.meaning(case.failing) or "nothing is known of why"
    return {
        "status": ("proven" if case.failing else "likely") if ground else "unknown",
        "summary": seen or f"{meaning}; on the host nothing was found that explains it",
        "peer": None,
        "service": None,
        "setting": None,
        "value": None,
    }


def _remedy(case: Case) -> list[Remedy]:
    """While the ground stands a restart meets it again: at once, or at the start, which then fails."""
    ground, program = case.ground, _remedies.advice(_log_handlers.advice(case.process["runtime"]))
    if ground:
        fix = "; ".join(dict.fromkeys(one.remedy for one in ground))
        after = (
            "the loop then ends by itself within a minute or so (measured); a restart before that would meet it again"
        )
        return [_remedies.advice(f"{fix}: {after}"), program]
    why = "it acts on no signal but KILL, and nothing that it has in work would ever be done"
    restart = _remedies.restart(case.scene.host, case.process, why)
    return [program, {**restart, "vars": {**restart["vars"], "kill_after": KILL_AFTER_S}}]


def _limits(case: Case) -> list[str]:
    limits = [] if case.ground else ["which path or peer the calls are about cannot be seen from outside"]
    unlisted = case.progress["calls"]["failing_unlisted"] if case.progress["calls"] else 0
    return [*limits, *([f"{unlisted} more failing calls are not listed by kind"] if unlisted else [])]
