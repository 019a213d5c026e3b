# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One stop of one process: all threads stand still between :meth:`Stop.__enter__` and :meth:`Stop.__exit__`."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Iterator, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import (
    _gdb,
    _guardian,
    _injection,
    _procfs,
    _rescue,
)

_LEAVE_ALONE_S = 0.5
#: Registers put back and detached, as far as it is known before the first time.
_RELEASE_MS = 5.0
_FADE = 0.8
#: A parent learns of the stop by a signal, and may have to wait for a CPU to act on it.
_JOINED_IN_S = 0.05
_HOLD_S = 0.5
_HOLD_STEP_S = 0.0005


class Stop:
    """Attach, make system calls, put everything back, detach. ``elapsed_ms`` is the stop as seen from outside."""

    def __init__(
        self, gdb: _gdb.Session, pid: int, guardian: Optional[_guardian.Guardian], proc: str = "/proc"
    ) -> None:
        """Nothing is stopped yet. ``guardian``: sees to the target should we be killed; without one it is not held."""
        self._gdb = gdb
        self._guardian = guardian
        self._pid = pid
        self._proc = proc
        self._instruction = 0
        self._saved: Optional[_injection.Registers] = None
        self._start = 0.0
        self._end: Optional[float] = None
        #: ``elapsed_ms`` when the release began.
        self.worked_ms = 0.0

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds from just before the attach until after the detach, or until now."""
        return 1000.0 * ((self._end or time.monotonic()) - self._start)

    def __enter__(self) -> Stop:
        self._start = time.monotonic()
        try:
            self._hold()
            self._gdb.attach(self._pid)
            self._check_still()
            # Only now: until it stood still it could have become another program, whose code is elsewhere.
            self._instruction = _injection.find_instruction(self._pid, self._proc)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._release()

    def call(self, number: int, *arguments: int) -> int:
        """A system call in the process; negative errno on failure."""
        if self._saved is None:
            self._saved = _injection.save(self._gdb)
            self._gdb.before_kill = self._freeze
            if self._guardian is not None:
                self._guardian.stopped(self._gdb.group, self._saved.values)
        return _injection.call(self._gdb, self._instruction, number, *arguments)

    def _hold(self) -> None:
        """Stop it before gdb does, so that it stays stopped should somebody else kill gdb.

        Else it would run on with changed registers, or die of a step's SIGTRAP (kernel/ptrace.c, ``__ptrace_unlink``).
        """
        if self._guardian is None:
            return
        stat = _procfs.stat(self._pid, self._proc)
        if stat is not None and stat.state == "T":
            raise _gdb.GdbError("process %d was stopped by somebody else meanwhile" % self._pid)
        self._guardian.stopped(self._gdb.group, None)
        self._freeze()
        deadline = time.monotonic() + _HOLD_S
        while not self._all_in("TXZ") and time.monotonic() < deadline:
            time.sleep(_HOLD_STEP_S)

    def _all_in(self, states: str) -> bool:
        tids = os.listdir("%s/%d/task" % (self._proc, self._pid))
        found = (_procfs.stat(int(tid), self._proc) for tid in tids)
        return all(stat is None or stat.state in states for stat in found)

    def _let_go(self) -> None:
        """Ends our own SIGSTOP, taken already or still pending: a process that was stopped before is refused."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGCONT)
        if self._guardian is not None:
            self._guardian.released()

    def _check_still(self) -> None:
        folder = "%s/%d/task" % (self._proc, self._pid)
        for tid in os.listdir(folder):
            state = _procfs.stat(int(tid), self._proc)
            if state is not None and state.state not in "tXZ":
                raise _gdb.GdbError("thread %s of process %d did not stop (state %s)" % (tid, self._pid, state.state))

    def _freeze(self) -> None:
        """See :mod:`_rescue`."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGSTOP)

    def _release(self) -> None:
        self.worked_ms = self.elapsed_ms
        try:
            if self._saved is not None:
                _injection.restore(self._gdb, self._saved)
                self._saved = self._gdb.before_kill = None
            self._gdb.detach()
            if self._guardian is not None:
                self._let_go()
        except (_gdb.GdbError, _injection.InjectionError):
            self._tear_off()
        finally:
            self._end = time.monotonic()

    def _tear_off(self) -> None:
        """Ending gdb releases what it holds. The error that matters is the one that led here, or the next."""
        self._gdb.close()
        if self._saved is not None:
            with contextlib.suppress(OSError):
                _rescue.put_back(self._pid, self._saved.values)
        if self._saved is not None or self._guardian is not None:
            self._saved = None
            self._let_go()


class Pace:
    """When to end a stop so that it keeps its cap: what one more step and the release may take is told from before.

    What took long once weighs less and less, and half of each stop is for work, or one bad moment of the machine would
    make hundreds of stops out of ten.
    """

    def __init__(self, max_stop_ms: float) -> None:
        self._max_stop_ms = max_stop_ms
        self._last = 0.0
        self._step = 0.0
        self._release = _RELEASE_MS

    def begin(self, stop: Stop) -> None:
        """The process stands still, and the first step begins."""
        self._last = stop.elapsed_ms

    def fits_another(self, stop: Stop) -> bool:
        """A step has ended: whether another one fits in."""
        now = stop.elapsed_ms
        self._step = max(_FADE * self._step, now - self._last)
        self._last = now
        return now + min(self._step + self._release, self._max_stop_ms / 2.0) <= self._max_stop_ms

    def end(self, stop: Stop) -> None:
        """The process runs on."""
        self._release = max(_FADE * self._release, stop.elapsed_ms - stop.worked_ms)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """A lost connection or a Ctrl-C must not end us while a process stands still with our registers."""
    signals = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, signal.SIG_IGN) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before):
            signal.signal(number, handler)


def undo_left_over_stop(pid: int, start_time: int, proc: str = "/proc") -> bool:
    """Continue a process that our own attach left in state T; True when that was needed (ptrace(2), PTRACE_ATTACH)."""
    deadline = time.monotonic() + _LEAVE_ALONE_S
    stopped = False
    while time.monotonic() < deadline:
        stat = _procfs.stat(pid, proc)
        if stat is None or stat.start_time != start_time or stat.state not in "Tt":
            return stopped
        if stat.state == "T":
            os.kill(pid, signal.SIGCONT)
            stopped = True
        time.sleep(0.01)
    return stopped


def parent(pid: int, proc: str = "/proc") -> Optional[_procfs.Stat]:
    """The parent as it is before its child is stopped; None when it has none that can be seen."""
    stat = _procfs.stat(pid, proc)
    return _procfs.stat(stat.ppid, proc) if stat else None


def undo_stop_of_parent(before: Optional[_procfs.Stat], proc: str = "/proc") -> bool:
    """Continue a parent that stopped itself because its child did, as nsenter(1) does; True when that was needed."""
    if before is None or before.state in "Tt":
        return False
    time.sleep(_JOINED_IN_S)
    now = _procfs.stat(before.pid, proc)
    if now is None or now.start_time != before.start_time or now.state != "T":
        return False
    os.kill(before.pid, signal.SIGCONT)
    return True
