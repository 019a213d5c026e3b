# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A half-closed connection that is always ready keeps an event loop from ever waiting.

*Proven*: the process spins and its own epoll set has a level-triggered registration of a socket whose peer closed.
*Suspected*: it spins in a loop that may poll without epoll (gevent), so no epoll set can show what it polls.
"""

from __future__ import annotations

import math

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Finding, Remedy
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Socket, Watcher
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import (
    _cause,
    _doubts,
    _evidence,
    _registrations,
    _remedies,
    _runtimes,
    _spin,
    _suspects,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Outcome, Scene

#: What preflight.yml allows.
LONGEST_WINDOW_S = 60

ID = "half_closed_spin"
SPINS = True


def evaluate(scene: Scene) -> Outcome:
    """One finding per spinning process and peer."""
    facts = _suspects.sources(scene)
    if isinstance(facts, list):
        return Outcome([], facts)
    suspects = _suspects.find(scene, facts, _decisive)
    findings: list[Finding] = []
    unknowns = suspects.unknowns
    for spinner in suspects.spinners:
        if spinner.relevant:
            findings += _proven(spinner)
        elif not spinner.others:
            suspicion = _suspected(spinner)
            findings += suspicion.findings
            unknowns += suspicion.unknowns
    return Outcome(findings, unknowns)


def _decisive(watcher: Watcher) -> bool:
    return _registrations.is_own(watcher) and _registrations.reports_the_close(watcher)


def _proven(spinner: _suspects.Spinner) -> list[Finding]:
    listed = _evidence.by_inode(spinner.facts.tcp)
    # One socket that must not be closed keeps the loop spinning, whatever is done about the others.
    blockers = _remedies.blockers(spinner.process, spinner.relevant, listed)
    return [
        _finding(spinner, watchers, [listed[w["inode"]] for w in watchers if w["inode"] in listed], blockers)
        for watchers in _registrations.by_peer(spinner.relevant)
    ]


def _finding(
    spinner: _suspects.Spinner, watchers: list[Watcher], sockets: list[Socket], blockers: list[str]
) -> Finding:
    process = spinner.process
    doubts = _doubts.of_half_closed(spinner, sockets)
    explanation = _cause.of_watched(spinner.scene, watchers[0]["socket"], sockets)
    peer = _registrations.peer_text(watchers[0]["socket"])
    return {
        "id": ID,
        "host": spinner.scene.host,
        "severity": "critical",
        "confidence": "likely" if doubts else "proven",
        "title": f"{process['name']} ({process['pid']}) spins on a half-closed connection, peer {peer}",
        "process": _remedies.affected(process),
        "subject": None,
        "evidence": {**_evidence.of(spinner, watchers, sockets), **explanation.evidence},
        "cause": explanation.cause,
        "remedy": [*explanation.remedy, *_symptoms(spinner, watchers, blockers, explanation)],
        "unknowns": doubts + _doubts.listed(watchers, sockets) + _doubts.cut(spinner),
    }


def _symptoms(
    spinner: _suspects.Spinner, watchers: list[Watcher], blockers: list[str], explanation: _cause.Explanation
) -> list[Remedy]:
    if blockers:
        return [_remedies.restart(spinner.scene.host, spinner.process, "; ".join(blockers))]
    targets = [_remedies.target(_registrations.as_holder(watcher), watcher, ghost=False) for watcher in watchers]
    why = "with registration and socket gone the loop can wait again"
    return [*_gentle(spinner, watchers, explanation), _remedies.close(spinner.scene.host, targets, why)]


def _gentle(spinner: _suspects.Spinner, watchers: list[Watcher], explanation: _cause.Explanation) -> list[Remedy]:
    """What needs no access to the process; nothing while the cause stands, as it would be in vain."""
    socket, server = watchers[0]["socket"], explanation.server
    if server is None or socket is None or "remote" not in socket or socket["state"] != "CLOSE_WAIT":
        return []
    known = _runtimes.reconnects(spinner.process["runtime"])
    return _remedies.disconnect(server, spinner.process, socket["remote"]) if known else []


def _suspected(spinner: _suspects.Spinner) -> Outcome:
    """A process that spins in a loop without epoll while it holds half-closed sockets that nobody watches."""
    loop = _runtimes.green_loop(spinner.process["runtime"])
    held = _evidence.held_by(spinner.facts.tcp, spinner.process)
    if loop is None or not held.total or held.watched:
        return Outcome([], [])
    polling = _spin.polling(spinner.process, spinner.facts.cpu, spinner.scene.thresholds)
    if polling == "unknown":
        return Outcome([], [_too_short(spinner, loop, held.total)])
    return Outcome([_suspicion(spinner, loop, held.total)] if polling == "polls" else [], [])


def _too_short(spinner: _suspects.Spinner, loop: str, total: int) -> str:
    share = spinner.process["cpu_percent"] / 100
    seen = share * spinner.facts.cpu["window_s"]
    needed = spinner.scene.thresholds.spin_cpu_seconds
    window = min(LONGEST_WINDOW_S, math.ceil(1.5 * needed / share)) if share else LONGEST_WINDOW_S
    return (
        f"process {spinner.process['pid']} ({loop}) spins and holds {total} half-closed connections; only {seen:.1f} s "
        f"of its CPU time were seen, and {needed:g} s are needed to tell polling from computing: "
        f"closewait_window={window} shows enough"
    )


def _suspicion(spinner: _suspects.Spinner, loop: str, total: int) -> Finding:
    process = spinner.process
    sockets = _evidence.sockets_of(spinner.facts.tcp, process)
    explanations = _cause.of_sockets(spinner.scene, sockets)
    why = _runtimes.why_not_closable(process["runtime"]) or "which of its sockets is polled cannot be seen"
    return {
        "id": ID,
        "host": spinner.scene.host,
        "severity": "high",
        "confidence": "suspected",
        "title": f"{process['name']} ({process['pid']}) spins and holds {total} half-closed connections ({loop})",
        "process": _remedies.affected(process),
        "subject": None,
        "evidence": {**_evidence.of(spinner, [], sockets), **explanations[0].evidence},
        "cause": explanations[0].cause,
        "remedy": [
            *(remedy for explanation in explanations for remedy in explanation.remedy),
            _remedies.restart(spinner.scene.host, process, why),
        ],
        "unknowns": [
            f"{loop} may poll without epoll: which of the {total} sockets it polls, if any, cannot be seen",
            "a task honestly busy with system calls looks the same",
        ],
    }
