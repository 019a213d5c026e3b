# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spinning processes that have a suspicious epoll registration, and why more of them may exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import CpuFacts, Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import TcpFacts, Watcher
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _progress, _registrations, _spin
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import (
    Scene,
    incomplete,
    missing,
    unlisted,
)

Relevant = Callable[[Watcher], bool]


class Sources(NamedTuple):
    """The facts that every rule about spinning needs; neither list in them is None."""

    tcp: TcpFacts
    cpu: CpuFacts


class Spinner(NamedTuple):
    """A spinning process; ``relevant``: the registrations a rule asked for, ``others``: the rest of its own."""

    scene: Scene
    facts: Sources
    process: Process
    relevant: list[Watcher]
    others: list[Watcher]


class Suspects(NamedTuple):
    """``unknowns``: what could not be told."""

    spinners: list[Spinner]
    unknowns: list[str]


def sources(scene: Scene) -> Sources | list[str]:
    """The facts, or why they are not to be had."""
    parts: list[tuple[str, str]] = [("tcp", "watchers"), ("tcp", "close_wait"), ("cpu", "processes")]
    gaps = list(dict.fromkeys(reason for subset, part in parts for reason in missing(scene, subset, part)))
    tcp, cpu = scene.facts.get("tcp"), scene.facts.get("cpu")
    return gaps if gaps or tcp is None or cpu is None else Sources(tcp, cpu)


def find(scene: Scene, facts: Sources, relevant: Relevant) -> Suspects:
    """All spinning processes, each with its registrations split by ``relevant``.

    One whose system calls show that it does not poll in vain is left out, whatever is in its epoll sets.
    """
    watchers = _all(facts.tcp)
    busy = _spin.spinning(facts.cpu, scene.thresholds)
    spinning = [process for process in busy if not _progress.on_no_registration(scene, process)]
    spinners = [_spinner(scene, facts, process, relevant) for process in spinning]
    unknowns = incomplete(scene, "tcp", "cpu")
    unknowns += _unmeasured(scene, facts.cpu, [watcher for watcher in watchers if relevant(watcher)])
    unknowns += [reason for spinner in spinners for reason in _unseen(spinner, spinning, relevant)]
    return Suspects(spinners, unknowns)


def _all(tcp: TcpFacts) -> list[Watcher]:
    return tcp["watchers"]["suspects"] if tcp["watchers"] else []


def _spinner(scene: Scene, facts: Sources, process: Process, relevant: Relevant) -> Spinner:
    watchers = _all(facts.tcp)
    own = [
        watcher
        for watcher in _registrations.of_process(watchers, process)
        if not _registrations.is_inherited(watcher, process, watchers)
    ]
    return Spinner(scene, facts, process, [w for w in own if relevant(w)], [w for w in own if not relevant(w)])


def _unmeasured(scene: Scene, cpu: CpuFacts, watchers: list[Watcher]) -> list[str]:
    """Processes with such a registration of which it is not known whether they spin."""
    keys = sorted({(watcher["pid"], watcher["start_time"]) for watcher in watchers})
    answers = [_spin.of_pid(cpu, pid, start_time, scene.thresholds) for pid, start_time in keys]
    return [answer.reason for answer in answers if answer.answer == "unknown"]


def _unseen(spinner: Spinner, spinning: list[Process], relevant: Relevant) -> list[str]:
    """Why a spinning process without such a registration may have one all the same."""
    process, facts = spinner.process, spinner.facts
    if spinner.relevant:
        return []
    reason = unlisted(spinner.scene, process["pid"], process["start_time"])
    if reason is not None:
        return [reason]
    omitted = facts.tcp["watchers"]["omitted"] if facts.tcp["watchers"] else 0
    if omitted and not spinner.others:
        return [f"process {process['pid']} spins, and {omitted} suspicious registrations were cut off the list"]
    shared = [w for w in _registrations.of_process(_all(facts.tcp), process) if relevant(w)]
    if shared and all(other["pid"] != process["ppid"] for other in spinning):
        parent = f"its parent {process['ppid']}, which does not spin"
        return [f"process {process['pid']} is busy and shares an epoll set with {parent}: who polls cannot be told"]
    return []
