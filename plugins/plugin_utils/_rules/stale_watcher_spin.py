# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process spins because it asks to be told when a socket can be written to, and nothing is to be written.

Nearly every connection has room to write, so a forgotten EPOLLOUT (level-triggered) makes ``epoll_wait`` return at
once even on a healthy connection. The peer is not at fault, and no half-closed connection is.
"""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Cause, Finding, Remedy
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Watcher
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import (
    _doubts,
    _evidence,
    _registrations,
    _remedies,
    _suspects,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Connection, Outcome, Scene

ID = "stale_watcher_spin"
SPINS = True

#: Not connected yet: EPOLLOUT is how a program waits for the connection, and it does wait.
NOT_WRITABLE = ("SYN_SENT", "SYN_RECV", "NEW_SYN_RECV", "LISTEN")


def evaluate(scene: Scene) -> Outcome:
    """One finding per spinning process that has no half-closed registration."""
    facts = _suspects.sources(scene)
    if isinstance(facts, list):
        return Outcome([], facts)
    suspects = _suspects.find(scene, facts, _decisive)
    findings = [
        _finding(spinner)
        for spinner in suspects.spinners
        if spinner.relevant and not any(map(_registrations.reports_the_close, spinner.relevant + spinner.others))
    ]
    return Outcome(findings, suspects.unknowns)


def _decisive(watcher: Watcher) -> bool:
    socket = watcher["socket"]
    return (
        _registrations.is_own(watcher)
        and _registrations.wants_to_write(watcher)
        and socket is not None
        and socket["state"] not in NOT_WRITABLE
    )


def _finding(spinner: _suspects.Spinner) -> Finding:
    process, watchers = spinner.process, spinner.relevant
    doubts = [doubt for doubt in (_doubts.own_code(spinner), _queued(watchers)) if doubt]
    fds = _registrations.fds_text(watchers)
    return {
        "id": ID,
        "host": spinner.scene.host,
        "severity": "high",
        "confidence": "suspected" if doubts else "likely",
        "title": f"{process['name']} ({process['pid']}) spins on {fds}, watched for writing with nothing to write",
        "process": _remedies.affected(process),
        "subject": None,
        "evidence": _evidence.of(spinner, watchers, []),
        "cause": _cause(spinner),
        "remedy": _remedy(spinner),
        "unknowns": doubts,
    }


def _queued(watchers: list[Watcher]) -> str | None:
    """Data waiting to be sent is a good reason to watch for room."""
    full = [w for w in watchers if w["socket"] is None or w["socket"].get("send_q") != 0]
    return (
        f"{_registrations.fds_text(full)} may be watched rightly: there is, or may be, data to send" if full else None
    )


def _cause(spinner: _suspects.Spinner) -> Cause:
    socket = spinner.relevant[0]["socket"]
    remote = socket.get("remote") if socket else None
    cause: Cause = {
        "status": "likely",
        "summary": "the program keeps watching for EPOLLOUT; none of its half-closed connections is in its epoll sets",
        "peer": None,
        "service": None,
        "setting": None,
        "value": None,
    }
    if socket is not None and remote is not None:
        peer = spinner.scene.peer_of(Connection(socket.get("netns"), socket.get("local"), remote))
        cause["peer"] = {"address": peer.address, "port": peer.port, "host": peer.host}
    return cause


def _remedy(spinner: _suspects.Spinner) -> list[Remedy]:
    why = "the connection is not half-closed, so closing it from outside would break what works"
    return [
        _remedies.advice("make the program drop EPOLLOUT once its output is written, or update its event loop library"),
        _remedies.restart(spinner.scene.host, spinner.process, why),
    ]
