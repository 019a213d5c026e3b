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
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import Endpoint, NamedProcess
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.cpu import Process, Supervisor
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.tcp import (
    Holder,
    Socket,
    Watcher,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _registrations, _runtimes
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Peer

PIDS_SHOWN = 5


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


def disconnect(server: Peer, process: Process, remote: Endpoint) -> list[Remedy]:
    """Have the server end a listening connection of the process, which is left alone; empty for a server not known."""
    if server.redis is None:
        return []
    place = {"address": server.redis["address"], "port": server.redis["port"], "pid": server.redis["pid"]}
    worker = {"pid": process["pid"], "start_time": process["start_time"]}
    return [
        {
            "action": "redis_client_kill",
            "where": server.host,
            "risk": "live",
            "vars": {**place, "worker": worker, "peer": {"address": remote["address"], "port": remote["port"]}},
            "why": "a Celery worker that loses the connection it listens on gives up all of them and connects anew",
        }
    ]


def restart(host: str, process: Process, why: str) -> Remedy:
    """Drain and restart the worker."""
    return restart_of(host, process, process["supervisor"], why)


def restart_of(host: str, process: NamedProcess, supervisor: Supervisor | None, why: str) -> Remedy:
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
    shared = [watcher for watcher in watchers if _registrations.other_holders(watcher)]
    return ([_held_elsewhere(shared)] if shared else []) + harm(process, watchers, sockets)


def harm(process: Process, watchers: list[Watcher], sockets: dict[int, Socket]) -> list[str]:
    """What closing these watched sockets would break, wherever it is done."""
    reason = _runtimes.why_not_closable(process["runtime"])
    full = [watcher for watcher in watchers if _has_data(sockets.get(watcher["inode"]))]
    return ([reason] if reason else []) + ([_data_left(full, sockets)] if full else [])


def _held_elsewhere(watchers: list[Watcher]) -> str:
    pids = sorted({holder["pid"] for watcher in watchers for holder in _registrations.other_holders(watcher)})
    shown = ", ".join(map(str, pids[:PIDS_SHOWN])) + (", …" if len(pids) > PIDS_SHOWN else "")
    fds = _registrations.fds_text(watchers)
    return f"other processes ({shown}) hold the same sockets as {fds}: closing here leaves them open"


def _has_data(socket: Socket | None) -> bool:
    return socket is not None and bool(socket["unread_bytes"] or socket["send_q"])


def _data_left(watchers: list[Watcher], sockets: dict[int, Socket]) -> str:
    unread = sum(sockets[watcher["inode"]]["unread_bytes"] for watcher in watchers)
    unsent = sum(sockets[watcher["inode"]]["send_q"] for watcher in watchers)
    return f"closing {_registrations.fds_text(watchers)} would lose {unread} unread and {unsent} unsent bytes"
