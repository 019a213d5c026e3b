# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The remedies for one process: close the fd where that is known to heal, restart the worker where it is not."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    AffectedProcess,
    Remedy,
    Target,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts import (
    HalfClosedProcess,
    Holder,
    Process,
    Socket,
    Supervisor,
    Watcher,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _registrations, _runtimes


def affected(process: Process) -> AffectedProcess:
    """The process as a finding names it."""
    return {
        "pid": process["pid"],
        "start_time": process["start_time"],
        "name": process["name"],
        "cmdline": process["cmdline"],
        "runtime": process["runtime"],
        "supervisor": process["supervisor"],
    }


def target(holder: Holder, watcher: Watcher, *, ghost: bool) -> Target:
    """The fd through which ``holder`` keeps the watched socket open."""
    socket = watcher["socket"]
    return {
        "pid": holder["pid"],
        "start_time": holder["start_time"],
        "fd": holder["fd"],
        "inode": watcher["inode"],
        "cookie": socket.get("cookie") if socket else None,
        "peer": _registrations.peer_text(socket),
        "ghost": ghost,
    }


def close(host: str, targets: list[Target], why: str) -> Remedy:
    """Remove the registration and close the socket, in the running process."""
    return {
        "action": "fd_close",
        "where": host,
        "risk": "invasive",
        "vars": {"targets": targets, "method": "auto"},
        "why": why,
    }


def restart(host: str, process: Process, why: str) -> Remedy:
    """Drain and restart the worker."""
    return restart_of(host, process, process["supervisor"], why)


def restart_of(host: str, process: Process | HalfClosedProcess, supervisor: Supervisor | None, why: str) -> Remedy:
    """The same for a process of which little is known."""
    by = "nothing is known that starts it again"
    if supervisor and supervisor["kind"]:
        by = f"{supervisor['kind']} starts it again as {supervisor['name']}"
    return {
        "action": "worker_restart",
        "where": host,
        "risk": "disruptive",
        "vars": {"pid": process["pid"], "start_time": process["start_time"]},
        "why": f"{why}; {by}",
    }


def advice(why: str) -> Remedy:
    """Something for a person to do; no step of a plan."""
    return {"action": "advice", "where": None, "risk": "config", "vars": {}, "why": why}


def blockers(process: Process, watchers: list[Watcher], sockets: dict[int, Socket]) -> list[str]:
    """Why closing these watched sockets in their own process would harm or not help; empty when it may be tried."""
    held = [_held_elsewhere(watcher) for watcher in watchers]
    return [reason for reason in held if reason] + harm(process, watchers, sockets)


def harm(process: Process, watchers: list[Watcher], sockets: dict[int, Socket]) -> list[str]:
    """What closing these watched sockets would break, wherever it is done."""
    reasons = [_runtimes.why_not_closable(process["runtime"])]
    reasons += [_data_left(watcher, sockets.get(watcher["inode"])) for watcher in watchers]
    return [reason for reason in reasons if reason]


def _held_elsewhere(watcher: Watcher) -> str | None:
    others = sorted({holder["pid"] for holder in _registrations.other_holders(watcher)})
    if not others:
        return None
    shown = ", ".join(map(str, others[:5])) + (", …" if len(others) > 5 else "")
    return f"fd {watcher['fd']} is held by other processes as well ({shown}): closing it here leaves the socket open"


def _data_left(watcher: Watcher, socket: Socket | None) -> str | None:
    if socket is None or not (socket["unread_bytes"] or socket["send_q"]):
        return None
    return (
        f"fd {watcher['fd']} has {socket['unread_bytes']} unread and {socket['send_q']} unsent bytes "
        "that closing would lose"
    )
