# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers that the findings about spinning processes show, and the half-closed sockets of one process."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Process
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import Socket, TcpFacts, Watcher
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _registrations, _spin
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._suspects import Spinner

SHOWN = 20


class Held(NamedTuple):
    """How many half-closed sockets a process holds, and how many of them are in an epoll set."""

    total: int
    watched: int


def by_inode(tcp: TcpFacts) -> dict[int, Socket]:
    """The listed half-closed sockets; those that no program has accepted (inode 0) are left out."""
    sockets = tcp["close_wait"]["sockets"] if tcp["close_wait"] else []
    return {socket["inode"]: socket for socket in sockets if socket["inode"]}


def held_by(tcp: TcpFacts, process: Process) -> Held:
    """The exact counts, also where the listing was cut."""
    for row in tcp["close_wait"]["by_process"] if tcp["close_wait"] else []:
        if row["pid"] == process["pid"] and row["start_time"] == process["start_time"]:
            return Held(row["total"], row["watched"])
    return Held(0, 0)


def sockets_of(tcp: TcpFacts, process: Process) -> list[Socket]:
    """The listed half-closed sockets that the process holds."""
    key = (process["pid"], process["start_time"])
    return [
        socket
        for socket in by_inode(tcp).values()
        if any((holder["pid"], holder["start_time"]) == key for holder in socket["holders"])
    ]


def of(spinner: Spinner, watchers: list[Watcher], sockets: list[Socket]) -> dict[str, Any]:
    """The evidence of a finding about a spinning process."""
    held = held_by(spinner.facts.tcp, spinner.process)
    return {
        **_spin.evidence(spinner.process, spinner.facts.cpu),
        "registrations": [_registrations.evidence(watcher) for watcher in watchers[:SHOWN]],
        "registrations_omitted": max(0, len(watchers) - SHOWN),
        "sockets": [_socket(socket) for socket in sockets[:SHOWN]],
        "sockets_omitted": max(0, len(sockets) - SHOWN),
        "close_wait_total": held.total,
        "close_wait_watched": held.watched,
    }


def _socket(socket: Socket) -> dict[str, Any]:
    """Queues in bytes, times in seconds."""
    return {
        "inode": socket["inode"],
        "cookie": socket["cookie"],
        "local": f"{socket['local']['address']}:{socket['local']['port']}",
        "peer": f"{socket['remote']['address']}:{socket['remote']['port']}",
        "age_s": socket["age_s"],
        "idle_at_fin_s": socket["idle_at_fin_s"],
        "fin_read": socket["fin_read"],
        "unread_bytes": socket["unread_bytes"],
        "send_q": socket["send_q"],
    }
