# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process of its own that lets the target run on, with its own registers, should this one be killed in a stop.

It finds what was told it last in memory that both have, and learns of our end by that of a pipe: while the target
stands still nobody is woken up for it, who would take a CPU.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import signal
import time
from typing import Any, Mapping, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import rescue as fd_rescue

_WAIT_S = 2.0
_STEP_S = 0.01
_NUMBERS = 65536
_ROOM = 4096


class Guardian:
    """Started before the target is stopped for the first time; use as a context manager."""

    def __init__(self, pid: int, start_time: int) -> None:
        """Fork it. It keeps nothing of ours open but its end of the pipe."""
        end, self._pipe = os.pipe()
        self._told = _LastWord()
        self._child = os.fork()
        if self._child == 0:
            try:
                _watch(end, self._told, pid, start_time)
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
        self._told.say({"tracer": tracer, "saved": saved})

    def released(self) -> None:
        """It runs on as before."""
        self._told.say(None)


class _LastWord:
    """What was said last, shared with children; who is killed while he says something has not said it."""

    def __init__(self) -> None:
        """The first byte tells in which of two places it is."""
        self._memory = mmap.mmap(-1, mmap.PAGESIZE + 2 * _ROOM)
        self.say(None)

    def say(self, what: Optional[Mapping[str, Any]]) -> None:
        other = 1 - self._memory[0]
        text = json.dumps(what).encode("ascii") + b"\0"
        start = self._start(other)
        self._memory[start : start + len(text)] = text
        self._memory[0] = other

    def heard(self) -> Any:
        start = self._start(self._memory[0])
        return json.loads(self._memory[start : self._memory.find(b"\0", start)])

    @staticmethod
    def _start(place: int) -> int:
        return mmap.PAGESIZE + place * _ROOM


def _watch(end: int, told: _LastWord, pid: int, start_time: int) -> None:
    os.setsid()
    for unwanted in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(unwanted, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.dup2(end, 3)
    os.closerange(4, _NUMBERS)
    os.read(3, 1)
    last = told.heard()
    if last is not None:
        _let_go(pid, start_time, last["tracer"], last["saved"])


def _let_go(pid: int, start_time: int, tracer: int, saved: Optional[Mapping[str, int]]) -> None:
    """The debugger ends by itself when we have, unless it hangs; the target stays where it is by its SIGSTOP."""
    deadline = time.monotonic() + _WAIT_S
    while fd_rescue.tracer(pid) and time.monotonic() < deadline:
        time.sleep(_STEP_S)
    found = fd_rescue.tracer(pid)
    with contextlib.suppress(ProcessLookupError):
        if found and os.getpgid(found) == tracer:
            os.killpg(tracer, signal.SIGKILL)
    # An attach that it had begun stops the process once more: nothing before that is over.
    fd_rescue.wait_for_release(pid)
    stat = _procfs.stat(pid)
    if stat is None or stat.start_time != start_time:
        return
    # With registers of ours it must not run, whatever becomes of it.
    with contextlib.suppress(OSError):
        if saved is not None:
            fd_rescue.put_back(pid, start_time, saved)
        os.kill(pid, signal.SIGCONT)
