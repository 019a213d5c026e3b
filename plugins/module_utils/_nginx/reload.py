# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reload that is proven: new workers, no new [emerg] in the error log."""

from __future__ import annotations

import os
import signal
import time
from typing import NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import process as nginx_process
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.process import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.program import NginxError

_MOST_LOG_BYTES = 1 << 20


class Mark(NamedTuple):
    """How far a log went. ``inode`` None: there was no file."""

    path: str
    inode: Optional[int]
    size: int


class Workers(NamedTuple):
    """Pids, before and after."""

    before: list[int]
    after: list[int]


def reload(master: Identity, error_log: Optional[str], longest: float) -> Workers:
    """SIGHUP, then wait until only new workers take connections. Raises NginxError.

    A master that cannot use the configuration says [emerg] and keeps its old workers (a port that is held elsewhere is
    tried for 2.5 s); the same holds for one that is slow, so both are looked for.
    """
    mark = _mark(error_log)
    before = nginx_process.workers(master)
    if not nginx_process.alive(master):
        raise NginxError("the master %d has ended" % master.pid)
    os.kill(master.pid, signal.SIGHUP)
    deadline = time.monotonic() + longest
    while True:
        now = nginx_process.workers(master)
        is_new = bool(now) and not now & before
        is_late = time.monotonic() > deadline
        found = [] if mark is None else emergencies(mark)
        if found and (is_new or is_late or not _is_trying(found)):
            raise NginxError("nginx did not take it: %s" % " / ".join(found))
        if is_new:
            return Workers(sorted(worker.pid for worker in before), sorted(worker.pid for worker in now))
        if is_late:
            where = "" if mark else " (its error log is no file)"
            raise NginxError("%g s after the reload there are no new workers%s" % (longest, where))
        time.sleep(0.05)


def _is_trying(found: list[str]) -> bool:
    """Whether a port was not free so far, so that the master tries again, and may succeed behind one's back."""
    return all("bind()" in line for line in found) and not any("still could not bind" in line for line in found)


def _mark(path: Optional[str]) -> Optional[Mark]:
    if path is None:
        return None
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return Mark(path, None, 0)
    return Mark(path, state.st_ino, state.st_size)


def emergencies(mark: Mark) -> list[str]:
    """The lines with [emerg] that came after the mark; a log that was rotated counts from its start."""
    try:
        with open(mark.path, "rb") as log:
            state = os.fstat(log.fileno())
            log.seek(mark.size if state.st_ino == mark.inode and state.st_size >= mark.size else 0)
            text = log.read(_MOST_LOG_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    lines = [line.strip()[:300] for line in text.splitlines() if "[emerg]" in line]
    return list(dict.fromkeys(line.partition("[emerg]")[2].strip() for line in lines))[-3:]
