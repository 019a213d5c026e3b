# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One stop of one process: all threads stand still between :meth:`Stop.__enter__` and :meth:`Stop.__exit__`."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Callable, Iterator, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import gdb as fd_gdb
from ansible_collections.closewait.remediation.plugins.module_utils._fd import guardian as fd_guardian
from ansible_collections.closewait.remediation.plugins.module_utils._fd import injection as fd_injection
from ansible_collections.closewait.remediation.plugins.module_utils._fd import rescue as fd_rescue

_LEAVE_ALONE_S = 0.5
#: A parent learns of the stop by a signal, and may have to wait for a CPU to act on it.
_JOINED_IN_S = 0.05
_HOLD_S = 0.5
#: A thread that gdb left may have to wait for a CPU before it comes to our SIGSTOP.
_COMES_TO_REST_S = 5.0
_FIRST_STEP_S = 0.00005
_LONGEST_STEP_S = 0.001


class Stop:
    """Attach, make system calls, put everything back, detach. ``elapsed_ms`` is the stop as seen from outside."""

    def __init__(
        self, gdb: fd_gdb.Session, pid: int, guardian: Optional[fd_guardian.Guardian], proc: str = "/proc"
    ) -> None:
        """Nothing is stopped yet. ``guardian``: sees to the target should we be killed; without one it is not held."""
        self._gdb = gdb
        self._guardian = guardian
        self._pid = pid
        self._proc = proc
        self._place = fd_injection.NOWHERE
        self._registers = fd_injection.Registers({})
        #: What has to be put back; None: nothing has been changed yet.
        self._saved: Optional[fd_injection.Registers] = None
        #: Start time of the process whose registers these are.
        self._born = 0
        self._arguments = 0
        #: Whether a SIGSTOP of ours is on it.
        self._frozen = False
        self._start = 0.0
        self._end: Optional[float] = None
        #: ``elapsed_ms`` when the release began.
        self.worked_ms = 0.0

    @property
    def held(self) -> bool:
        """Whether it stays stopped should somebody else kill gdb."""
        return self._guardian is not None

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds from just before the attach until after the detach, or until now."""
        return 1000.0 * ((self._end or time.monotonic()) - self._start)

    def comes_to_rest(self) -> bool:
        """Whether all threads stand still, waited for where gdb has ended: a call it had begun goes on to its end.

        False where the process is not held, or still runs after a while.
        """
        return self.held and _waited_for(self._rests, _COMES_TO_REST_S)

    def _rests(self) -> bool:
        """Nothing of a process that is gone runs; of one that may not be looked into this is not known."""
        try:
            states = set(_procfs.thread_states(self._pid, self._proc).values())
        except (FileNotFoundError, ProcessLookupError):
            return True
        except OSError:
            return False
        return states <= set("TXZ" if self._gdb.ended else "tTXZ")

    def __enter__(self) -> Stop:
        place = fd_injection.find_instruction(self._pid, self._proc)
        self._start = time.monotonic()
        try:
            self._hold()
            self._registers = fd_injection.attach(self._gdb, self._pid)
            self._check_still()
            # Until it stood still it could have become another program, whose code is elsewhere.
            if not fd_injection.is_there(place, self._pid, self._proc):
                place = fd_injection.find_instruction(self._pid, self._proc)
            self._place = place
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._release()

    def call(self, number: int, *arguments: int) -> int:
        """A system call in the process; negative errno on failure."""
        if self._saved is None:
            self._born = self._start_time()
            self._saved = self._registers
            self._gdb.before_kill = self._freeze
            if self._guardian is not None:
                self._guardian.stopped(self._gdb.group, self._saved.values)
        self._arguments = max(self._arguments, len(arguments))
        return fd_injection.call(self._gdb, self._place.address, number, *arguments)

    def _start_time(self) -> int:
        """Of the process that we trace."""
        stat = _procfs.stat(self._pid, self._proc)
        if stat is None:
            raise fd_gdb.GdbError("process %d has ended" % self._pid)
        return stat.start_time

    def _hold(self) -> None:
        """Stop it before gdb does, so that it stays stopped should somebody else kill gdb.

        Else it would run on with changed registers (kernel/ptrace.c, ``__ptrace_unlink``).
        """
        if self._guardian is None:
            return
        stat = _procfs.stat(self._pid, self._proc)
        if stat is not None and stat.state == "T":
            raise fd_gdb.GdbError("process %d was stopped by somebody else meanwhile" % self._pid)
        self._guardian.stopped(self._gdb.group, None)
        self._freeze()
        _waited_for(self._has_begun_to_stand, _HOLD_S)

    def _has_begun_to_stand(self) -> bool:
        """The first thread that takes the signal has told all others (kernel/signal.c, ``do_signal_stop``)."""
        stat = _procfs.stat(self._pid, self._proc)
        if stat is not None and stat.state == "Z":
            # The main thread may have ended before the others.
            states = _procfs.thread_states(self._pid, self._proc).values()
            return "T" in states or set(states) <= set("XZ")
        return stat is None or stat.state in "TX"

    def _let_go(self) -> None:
        """Ends our own SIGSTOP, taken already or still pending: a process that was stopped before is refused.

        Not while it is traced: SIGCONT would then wait in its queue, and come first in the next stop.
        """
        if self._frozen:
            self._frozen = False
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGCONT)
        if self._guardian is not None:
            self._guardian.released()

    def _check_still(self) -> None:
        for tid, state in _procfs.thread_states(self._pid, self._proc).items():
            if state not in "tXZ":
                raise fd_gdb.GdbError("thread %d of process %d did not stop (state %s)" % (tid, self._pid, state))

    def _freeze(self) -> None:
        """See :mod:`_fd.rescue`."""
        self._frozen = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGSTOP)

    def _release(self) -> None:
        self.worked_ms = self.elapsed_ms
        try:
            if self._saved is not None:
                fd_injection.restore(self._gdb, self._saved, self._arguments)
                self._registers_are_back()
            self._gdb.detach()
            self._let_go()
        except (fd_gdb.GdbError, fd_injection.InjectionError):
            self._tear_off()
        finally:
            self._end = time.monotonic()

    def _tear_off(self) -> None:
        """Ending gdb releases what it holds. The error that matters is the one that led here, or the next."""
        if self._saved is not None:
            self._freeze()
        self._gdb.close()
        if self._saved is not None:
            try:
                fd_rescue.put_back(self._pid, self._born, self._saved.values)
            except OSError:
                # With registers of ours it must not run. The guardian tries again when the session ends.
                return
            self._registers_are_back()
        self._let_go()

    def _registers_are_back(self) -> None:
        """From now on nobody puts them back: it may run on, and then they are not its own any more."""
        self._saved = self._gdb.before_kill = None
        if self._guardian is not None:
            self._guardian.stopped(self._gdb.group, None)


def _waited_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask at first after so short a time that a stop is hardly longer for it; False when it does not come true."""
    deadline, step = time.monotonic() + seconds, _FIRST_STEP_S
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(step)
        step = min(2 * step, _LONGEST_STEP_S)
    return True


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
