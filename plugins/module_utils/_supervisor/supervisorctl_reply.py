# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What supervisorctl prints. Supervisor 3.4.0, 4.2.5 and 4.3.0 print the same.

Its exit status is no use: 3.x exits with 0 after errors, and so does every version for *already started*.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

RUNNING = "RUNNING"
STARTING = "STARTING"
BACKOFF = "BACKOFF"
STOPPED = "STOPPED"
EXITED = "EXITED"
FATAL = "FATAL"
_STATES = (RUNNING, STARTING, BACKOFF, STOPPED, EXITED, FATAL, "STOPPING", "UNKNOWN")

_LINE = re.compile(r"^(?P<name>\S+) +(?P<state>[A-Z]+)\b(?: +pid (?P<pid>\d+))?")
_REASONS = (
    (re.compile(r"SHUTDOWN_STATE"), "supervisord is shutting down"),
    (re.compile(r"[Ss]erver requires authentication|401 Unauthorized"), "supervisord wants a user name and a password"),
    (re.compile(r"no such file$", re.MULTILINE), "nothing listens at supervisord's address"),
    (re.compile(r"refused connection$", re.MULTILINE), "nothing listens at supervisord's address"),
    (re.compile(r"ERROR \(no such process\)|^No such process", re.MULTILINE), "supervisord has no such program"),
    (re.compile(r"Unknown syntax: signal"), "this supervisor cannot send signals; that needs 3.2 or newer"),
)


class SupervisorctlError(Exception):
    """supervisorctl is missing, said no, or gave no answer in time; the text is one line fit for an operator."""


class ProgramStatus(NamedTuple):
    """``pid`` is None unless supervisord names one, which it does in the state RUNNING only."""

    state: str
    pid: Optional[int]


def status(text: str) -> ProgramStatus:
    """The one program in the answer to ``status GROUP:NAME``. Raises SupervisorctlError."""
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and match.group("state") in _STATES:
            pid = match.group("pid")
            return ProgramStatus(match.group("state"), int(pid) if pid else None)
    raise SupervisorctlError(reason(text))


def statuses(text: str) -> dict[str, ProgramStatus]:
    """Every process in the answer to ``status``, by the name that supervisorctl gives it. Raises SupervisorctlError."""
    matches = [_LINE.match(line) for line in text.splitlines()]
    found = [match for match in matches if match and match.group("state") in _STATES]
    if not found:
        raise SupervisorctlError(reason(text))
    return {item.group("name"): status(item.group(0)) for item in found}


def changes(text: str) -> dict[str, str]:
    """Groups in the answer to ``reread``: ``available``, ``changed`` or ``disappeared``. Raises SupervisorctlError."""
    found = dict(re.findall(r"^(\S+): (available|changed|disappeared)$", text, re.MULTILINE))
    if not found and not re.search(r"^No config updates to processes$", text, re.MULTILINE):
        raise SupervisorctlError(reason(text))
    return found


def check_updated(text: str, group: str) -> None:
    """The answer to ``update GROUP``. Raises SupervisorctlError unless it says so."""
    if not re.search(r"^%s: (?:updated|added) process group$" % re.escape(group), text, re.MULTILINE):
        raise SupervisorctlError(reason(text) if text.strip() else "supervisord saw nothing to update in %s" % group)


def check_stopped(text: str) -> None:
    """The answer to ``stop``; *not running* will do. Raises SupervisorctlError."""
    if not re.search(r": (?:stopped|ERROR \(not running\))$", text, re.MULTILINE):
        raise SupervisorctlError(reason(text))


def killed(text: str) -> Optional[list[str]]:
    """Lines about SIGKILL in the answer to ``maintail``; None when there is no log to look at."""
    if re.match(r"supervisord: ERROR \(", text):
        return None
    return re.findall(r"^.*killing '[^']*' \(\d+\) with SIGKILL.*$", text, re.MULTILINE)


def check_signalled(text: str) -> None:
    """The answer to ``signal``. Raises SupervisorctlError unless it was sent."""
    if not re.search(r": signalled$", text, re.MULTILINE):
        raise SupervisorctlError(reason(text))


def check_started(text: str) -> None:
    """The answer to ``start``; *already started* will do. Raises SupervisorctlError."""
    if not re.search(r": (?:started|ERROR \(already started\))$", text, re.MULTILINE):
        raise SupervisorctlError(reason(text))


def reason(text: str) -> str:
    """Why an answer is none, in one line."""
    for pattern, meaning in _REASONS:
        if pattern.search(text):
            return meaning
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "supervisorctl printed nothing"
