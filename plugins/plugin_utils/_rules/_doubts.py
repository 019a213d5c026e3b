# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else could explain that a process spins, so that a finding about it is not proven."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Socket, Watcher
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _registrations, _spin
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._suspects import Spinner


def of_half_closed(spinner: Spinner, sockets: list[Socket]) -> list[str]:
    """Doubts about a half-closed socket as the reason; ``sockets``: those behind the finding, as far as listed."""
    doubts = [_writing(spinner.relevant + spinner.others), own_code(spinner), _too_young(spinner, sockets)]
    return [doubt for doubt in doubts if doubt]


def own_code(spinner: Spinner) -> str | None:
    """A program that computes while its event loop has to wait looks like one that spins, but makes no system calls."""
    process = spinner.process
    if _spin.polling(process, spinner.facts.cpu, spinner.scene.thresholds) != "computes":
        return None
    return (
        f"only {process['system_percent']:.1f} of {process['cpu_percent']:.1f} % CPU is spent in the kernel: "
        "the process may be busy in its own code and not polling at all"
    )


def listed(watchers: list[Watcher], sockets: list[Socket]) -> list[str]:
    """Watched sockets of which the listing of half-closed ones tells nothing."""
    known = {socket["inode"] for socket in sockets}
    others = [watcher for watcher in watchers if watcher["inode"] not in known]
    if not others:
        return []
    return [f"when the peer closed is not known for {_registrations.fds_text(others)}: not among those listed"]


def cut(spinner: Spinner) -> list[str]:
    """Registrations that the list of suspicious ones had no room for."""
    watchers = spinner.facts.tcp["watchers"]
    if not watchers or not watchers["omitted"]:
        return []
    return [f"{watchers['omitted']} more suspicious registrations exist than are listed, maybe of this process"]


def _writing(watchers: list[Watcher]) -> str | None:
    writing = [watcher for watcher in watchers if _registrations.wants_to_write(watcher)]
    if not writing:
        return None
    fds = _registrations.fds_text(writing)
    return f"EPOLLOUT is watched for on {fds}, which alone would spin: closing may not be the whole cure"


def _too_young(spinner: Spinner, sockets: list[Socket]) -> str | None:
    ages = [socket["age_s"]["max"] for socket in sockets]
    window = spinner.facts.cpu["window_s"]
    if not ages or any(age is None or age >= window for age in ages):
        return None
    return "the peer closed while CPU use was being measured, so the process may have been busy before"
