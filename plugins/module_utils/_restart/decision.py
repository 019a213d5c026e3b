# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process may be drained and restarted, and by whom. Pure: what was seen goes in, a decision comes out."""

from __future__ import annotations

import shlex
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl_reply import (
    RUNNING,
    ProgramStatus,
)

RESTART = "restart"
REFUSE = "refused"
GONE = "gone"


class Seen(NamedTuple):
    """One process and its supervisor, as seen just now.

    ``above``: the processes above it, nearest first.
    ``state``: letter from /proc/PID/stat, None when pid and start time name no process.
    ``container``: ``docker ID``, ``podman ID``, ``other`` or None.
    ``kind``: ``supervisord``, ``systemd`` or None; ``name``: ``group:process`` or the unit.
    ``program``: supervisord's answer; None with the reason in ``trouble``.
    ``client_argv``: the start of a command line for supervisorctl. ``remapped_term``: REMAP_SIGTERM of Celery.
    """

    pid: int
    above: list[int]
    cmdline: list[str]
    state: Optional[str]
    container: Optional[str]
    kind: Optional[str]
    name: Optional[str]
    program: Optional[ProgramStatus]
    trouble: Optional[str]
    client_argv: list[str]
    remapped_term: Optional[str]


class Decision(NamedTuple):
    """``command``: what an operator could run instead or next, None when there is nothing to recommend."""

    outcome: str
    reason: str
    command: Optional[str] = None


def decide(seen: Seen, signal: str) -> Decision:
    """``gone``, ``refused`` or ``restart``, the first that applies."""
    if seen.state in (None, "Z", "X"):
        return Decision(GONE, "there is no process with this pid and start time any more")
    refusal = _no_supervisord(seen) or _unfit(seen, signal)
    return refusal or Decision(RESTART, _runs(seen))


def _runs(seen: Seen) -> str:
    main = seen.program.pid if seen.program else None
    if main == seen.pid:
        return "supervisord runs it as %s" % seen.name
    return "it is a child of process %s, which supervisord runs as %s" % (main, seen.name)


def still_draining(seen: Seen, seconds: int) -> Decision:
    """What to say when the process has not ended in time; nobody starts it again under ``autorestart=unexpected``."""
    reason = "it has not ended %d s after the signal and goes on draining; when it has, see that it runs again"
    return Decision("draining", reason % seconds, shlex.join([*seen.client_argv, "start", str(seen.name)]))


def _no_supervisord(seen: Seen) -> Optional[Decision]:
    if seen.container is not None:
        return _container(seen.container)
    if seen.kind == "systemd":
        reason = "it belongs to the systemd unit %s, which kills after TimeoutStopSec; draining units was not tested"
        return Decision(REFUSE, reason % seen.name, shlex.join(["systemctl", "restart", str(seen.name)]))
    if seen.kind != "supervisord":
        reason = "no supervisor is known that would start it again; its command line is %s" % shlex.join(seen.cmdline)
        return Decision(REFUSE, reason, shlex.join(["kill", "-TERM", str(seen.pid)]))
    return None


def _container(container: str) -> Decision:
    engine, _space, ident = container.partition(" ")
    command = shlex.join([engine, "restart", "--time", "600", ident]) if ident else None
    return Decision(REFUSE, "it runs in a container; restarting containers was not tested", command)


def _unfit(seen: Seen, signal: str) -> Optional[Decision]:
    by_hand = shlex.join([*seen.client_argv, "signal", signal, str(seen.name)]) if seen.client_argv else None
    if seen.program is None:
        return Decision(REFUSE, "supervisord cannot be asked about %s: %s" % (seen.name, seen.trouble), by_hand)
    if seen.program.state != RUNNING or seen.program.pid not in (seen.pid, *seen.above):
        return Decision(REFUSE, _other_process(seen, seen.program))
    if seen.state in ("T", "t"):
        return Decision(REFUSE, "it is stopped or traced, so it cannot drain; let it go on first")
    if signal == "TERM" and seen.remapped_term:
        reason = "REMAP_SIGTERM=%s is set: TERM would end its tasks instead of waiting for them" % seen.remapped_term
        return Decision(REFUSE, reason, by_hand)
    return None


def _other_process(seen: Seen, program: ProgramStatus) -> str:
    if program.state != RUNNING:
        return "supervisord reports %s as %s, and only a running program can be drained" % (seen.name, program.state)
    reason = "supervisord's process of %s is %s, and this is neither that one nor below it: left over from before"
    return reason % (seen.name, program.pid)
