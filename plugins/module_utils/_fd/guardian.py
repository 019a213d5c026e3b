# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process of its own that lets the target run on, with its own registers, should this one be killed in a stop.

It knows what was told it last through a pipe, and learns of our end by the pipe's.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from typing import Any, Mapping, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import rescue as fd_rescue

_WAIT_S = 2.0
_STEP_S = 0.01
_NUMBERS = 65536


class Guardian:
    """Started before the target is stopped for the first time; use as a context manager."""

    def __init__(self, pid: int, start_time: int) -> None:
        """Fork it. It keeps nothing of ours open but its end of the pipe."""
        end, self._pipe = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            try:
                _watch(end, pid, start_time)
            finally:
                os._exit(0)
        os.close(end)

    def __enter__(self) -> Guardian:
        return self

    def __exit__(self, *_exc: object) -> None:
        os.close(self._pipe)
        os.waitpid(self._child, 0)

    def stopped(self, tracer: int, saved: Optional[Mapping[str, int]]) -> None:
        """The target is about to be stopped, or its registers to be changed. ``tracer``: process group of gdb."""
        self._tell({"tracer": tracer, "saved": saved})

    def released(self) -> None:
        """It runs on as before."""
        self._tell(None)

    def _tell(self, what: Optional[Mapping[str, Any]]) -> None:
        # A guardian that was killed guards nothing; that is no reason to leave the work half done.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, json.dumps(what).encode("ascii") + b"\n")


def _watch(end: int, pid: int, start_time: int) -> None:
    os.setsid()
    for unwanted in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(unwanted, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.dup2(end, 3)
    os.closerange(4, _NUMBERS)
    with open(3, encoding="ascii") as stream:
        last = None
        for line in stream:
            last = json.loads(line)
    if last is not None:
        _let_go(pid, start_time, last["tracer"], last["saved"])


def _let_go(pid: int, start_time: int, tracer: int, saved: Optional[Mapping[str, int]]) -> None:
    """The debugger ends by itself when we have, unless it hangs; the target stays where it is by its SIGSTOP."""
    deadline = time.monotonic() + _WAIT_S
    while _traced(pid) and time.monotonic() < deadline:
        time.sleep(_STEP_S)
    found = _traced(pid)
    with contextlib.suppress(ProcessLookupError):
        if found and os.getpgid(found) == tracer:
            os.killpg(tracer, signal.SIGKILL)
    while _traced(pid) and time.monotonic() < deadline + _WAIT_S:
        time.sleep(_STEP_S)
    stat = _procfs.stat(pid)
    if stat is None or stat.start_time != start_time:
        return
    if saved is not None:
        with contextlib.suppress(OSError):
            fd_rescue.put_back(pid, saved)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _traced(pid: int) -> int:
    return int(_procfs.status(pid).get("TracerPid", "0"))
