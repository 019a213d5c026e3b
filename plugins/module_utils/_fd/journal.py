# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``fd_close`` puts down in its journal: a line before it acts on a process's fd, and one with what came of it.

An ``intent`` without an ``outcome`` of the same ``id`` and ``fd`` tells of an intervention that was cut short.
"""

from __future__ import annotations

import os
import pwd
import socket
import time
import uuid
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _cmdline, _journal, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision

SCHEMA_VERSION = 1
#: proc_pid_loginuid(5): never logged in, as services are.
_NO_LOGIN = 4294967295

Line = Dict[str, Any]


class Intent(NamedTuple):
    """What is about to be done to one fd, and what was seen of it."""

    target: fd_decision.Target
    peer: Optional[str]
    method: str
    seen: fd_decision.Observed


class Logbook:
    """Lines of one run of the module."""

    def __init__(self, journal: _journal.Journal) -> None:
        self._journal = journal
        self._open: List[Line] = []

    def intend(self, intents: Iterable[Intent]) -> None:
        """Before the first act. Raises ``JournalError``: then nothing may be done."""
        run, host, by = uuid.uuid4().hex, socket.gethostname(), who(os.environ)
        common = {"schema_version": SCHEMA_VERSION, "id": run, "host": host, "by": by}
        processes: Dict[int, Line] = {}
        for intent in intents:
            target = intent.target
            process = processes.setdefault(target.pid, _process(target))
            self._open.append({**common, "process": process, **_socket(intent)})
        self._journal.write(_stamped("intent", self._open))

    def complete(self, pid: int, results: Iterable[Mapping[str, Any]], stops: Iterable[Mapping[str, Any]]) -> List[str]:
        """After one process is done. ``results`` and ``stops`` as the module returns them; returns warnings."""
        by_fd = {row["fd"]: row for row in results}
        stop_ms = [stop["stop_ms"] for stop in stops]
        lines = [
            {**line, **_outcome(by_fd.get(line["fd"], {}), stop_ms)}
            for line in self._open
            if line["process"]["pid"] == pid
        ]
        try:
            self._journal.write(_stamped("outcome", lines))
        except _journal.JournalError as exc:
            return ["what came of it could not be written down: %s" % exc]
        return []


def _stamped(phase: str, lines: Iterable[Line]) -> List[Line]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return [{**line, "phase": phase, "time": now} for line in lines]


def who(environment: Mapping[str, str], proc: str = "/proc") -> Line:
    """Who does it: the account, who became it by sudo, and who logged in (kept by the kernel over su and sudo)."""
    return {
        "user": _name(os.geteuid()),
        "sudo_user": environment.get("SUDO_USER"),
        "login": _login(proc),
        "from": (environment.get("SSH_CONNECTION") or "").split(" ")[0] or None,
    }


def _process(target: fd_decision.Target) -> Line:
    stat = _procfs.stat(target.pid)
    return {
        "pid": target.pid,
        "start_time": target.start_time,
        "name": stat.name if stat else None,
        "cmdline": _cmdline.shown(_procfs.cmdline(target.pid)),
    }


def _socket(intent: Intent) -> Line:
    seen = intent.seen
    age: Optional[float] = None if seen.age == float("inf") else round(seen.age, 3)
    return {
        "fd": intent.target.fd,
        "inode": intent.target.inode,
        "cookie": intent.target.cookie,
        "ghost": intent.target.ghost,
        "peer": intent.peer,
        "method": intent.method,
        "evidence": {
            "state": seen.state,
            "unread": seen.unread,
            "unsent": seen.unsent,
            "age_s": age,
            "registered_in": seen.epolls,
            "holders": seen.holders,
        },
    }


def _outcome(result: Mapping[str, Any], stop_ms: List[float]) -> Line:
    return {
        "outcome": result.get("outcome"),
        "reason": result.get("reason"),
        "unregistered_from": result.get("unregistered_from", []),
        "stops_ms": {"count": len(stop_ms), "longest": max(stop_ms, default=0.0), "total": round(sum(stop_ms), 2)},
    }


def _login(proc: str) -> Optional[str]:
    try:
        with open("%s/self/loginuid" % proc, encoding="ascii") as stream:
            uid = int(stream.read())
    except (OSError, ValueError):
        return None
    return None if uid == _NO_LOGIN else _name(uid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
