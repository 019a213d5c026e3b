# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process spins on a registration of a socket that it no longer has; another process keeps the socket open.

A registration belongs to the open file, not to the number. When a forked child still holds the file, closing it in
the parent leaves the registration in the parent's epoll set, where nothing can remove it. Only closing it in the
holder does; the same number in the watching process is another, healthy file by then.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.closewait.remediation.plugins.module_utils import _epoll
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Confidence, Finding, Remedy
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Socket, Watcher
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import (
    _cause,
    _doubts,
    _evidence,
    _registrations,
    _remedies,
    _suspects,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Outcome, Scene

ID = "ghost_registration_spin"
SPINS = True


def evaluate(scene: Scene) -> Outcome:
    """One finding per spinning process and peer. A sleeping process with such entries only inherited them."""
    facts = _suspects.sources(scene)
    if isinstance(facts, list):
        return Outcome([], facts)
    suspects = _suspects.find(scene, facts, _decisive)
    findings = [
        _finding(spinner, watchers)
        for spinner in suspects.spinners
        for watchers in _registrations.by_peer(spinner.relevant)
    ]
    return Outcome(findings, suspects.unknowns)


def _decisive(watcher: Watcher) -> bool:
    if watcher["kind"] != _registrations.GHOST or not _epoll.level_triggered(watcher["events"]):
        return False
    return watcher["socket"] is None or _registrations.reports_the_close(watcher) or _alive_and_ready(watcher)


def _alive_and_ready(watcher: Watcher) -> bool:
    """A live connection of the holder, with data or room: it is ready whenever the holder is not."""
    socket = watcher["socket"]
    unread = socket is not None and (socket.get("recv_q") or 0) > 0
    return _registrations.wants_to_write(watcher) or (unread and bool(watcher["events"] & _epoll.READABLE))


def _finding(spinner: _suspects.Spinner, watchers: list[Watcher]) -> Finding:
    process = spinner.process
    listed = _evidence.by_inode(spinner.facts.tcp)
    sockets = [listed[watcher["inode"]] for watcher in watchers if watcher["inode"] in listed]
    doubts = _doubts.of_half_closed(spinner, sockets) + _unidentified(watchers)
    explanation = _cause.of_watched(spinner.scene, watchers[0]["socket"], sockets)
    fds = _registrations.fds_text(watchers)
    return {
        "id": ID,
        "host": spinner.scene.host,
        "severity": "critical",
        "confidence": _confidence(watchers, doubts),
        "title": f"{process['name']} ({process['pid']}) spins on {fds}, no longer its own socket",
        "process": _remedies.affected(process),
        "subject": None,
        "evidence": {
            **_evidence.of(spinner, watchers, sockets),
            "ghosts": [_ghost(watcher) for watcher in watchers[: _evidence.SHOWN]],
        },
        "cause": explanation.cause,
        "remedy": [*explanation.remedy, _symptom(spinner, watchers, listed)],
        "unknowns": [
            *doubts,
            *_doubts.listed(watchers, sockets),
            *_doubts.cut(spinner),
            *_missing_holders(spinner, watchers),
        ],
    }


def _confidence(watchers: list[Watcher], doubts: list[str]) -> Confidence:
    if any(watcher["socket"] is None for watcher in watchers):
        return "suspected"
    closed = all(_registrations.is_half_closed(watcher) for watcher in watchers)
    return "proven" if closed and not doubts else "likely"


def _symptom(spinner: _suspects.Spinner, watchers: list[Watcher], listed: dict[int, Socket]) -> Remedy:
    host, process = spinner.scene.host, spinner.process
    reasons = _reasons_against(spinner, watchers, listed)
    if reasons:
        return _remedies.restart(host, process, "; ".join(reasons))
    targets = [
        _remedies.target(holder, watcher, ghost=True)
        for watcher in watchers
        for holder in _registrations.other_holders(watcher)
    ]
    holders = ", ".join(sorted({f"{target['pid']}" for target in targets}))
    why = f"the registration goes when process {holders} closes its copy; the number in {process['pid']} is not touched"
    return _remedies.close(host, targets, why)


def _reasons_against(spinner: _suspects.Spinner, watchers: list[Watcher], listed: dict[int, Socket]) -> list[str]:
    """Why the holders' copies are not closed."""
    kinds = {
        "no process was found that holds the socket of the ghost": [
            watcher for watcher in watchers if not _registrations.other_holders(watcher)
        ],
        "the same process still has, under another number, the socket of the ghost": [
            watcher for watcher in watchers if _holds_itself(watcher)
        ],
        "the holder may need the socket, which is not known to be half-closed, of the ghost": [
            watcher for watcher in watchers if not _registrations.is_half_closed(watcher)
        ],
    }
    reasons = [f"{text} {_registrations.fds_text(group)}" for text, group in kinds.items() if group]
    return reasons + _remedies.harm(spinner.process, watchers, listed)


def _holds_itself(watcher: Watcher) -> bool:
    return any(holder["pid"] == watcher["pid"] for holder in watcher["holders"])


def _unidentified(watchers: list[Watcher]) -> list[str]:
    group = [watcher for watcher in watchers if watcher["socket"] is None]
    fds = _registrations.fds_text(group)
    return [f"what kind of socket {fds} led to cannot be told: no TCP listing has its inode"] if group else []


def _missing_holders(spinner: _suspects.Spinner, watchers: list[Watcher]) -> list[str]:
    cut = sum(watcher.get("holders_omitted", 0) for watcher in watchers)
    if cut:
        return [f"{cut} more holders exist than are listed: the registration stays until all of them have closed"]
    unreadable = spinner.facts.tcp.get("unreadable")
    if unreadable and unreadable["total"] and not all(_registrations.other_holders(w) for w in watchers):
        return [f"{unreadable['total']} processes could not be looked into: one of them may be the holder"]
    return []


def _ghost(watcher: Watcher) -> dict[str, Any]:
    """What the number is now in the watching process (None: closed), and who holds the watched socket."""
    return {
        "fd": watcher["fd"],
        "inode": watcher["inode"],
        "number_now": watcher["number_now"],
        "holders": _registrations.other_holders(watcher),
    }
