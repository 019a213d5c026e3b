# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One gdb, driven over its machine interface (GDB/MI), that reads nothing of the target's and never hangs.

gdb gets no init files, no debug information, no auto-load, no thread library and an empty directory as sysroot: it
opens no file of the target's, inserts no breakpoint, and the target is stopped for a few milliseconds only.
Every command has a deadline; when it passes, gdb is killed, and the kernel then releases the target (ptrace(2)).
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from typing import IO, Callable, NamedTuple, NoReturn, Optional, Sequence, cast

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs

_VALUE = re.compile(r'^\^done,value="(.*)"$')
_REASON = re.compile(r'reason="([^"]*)"')
_SIGNAL = re.compile(r'signal-name="([^"]*)"')
_QUOTED = re.compile(r'"([^"]*)"')
_REGISTER = re.compile(r'number="(\d+)",value="0x([0-9a-f]+)"')
_MESSAGE = re.compile(r'msg="((?:[^"\\]|\\.)*)"')

ENTRY, RETURN = "syscall-entry", "syscall-return"

LONGEST_LINE = 1 << 20
#: While it waits for an answer it looks that often whether there can be one.
_LOOK_S = 0.25

_SETTINGS = (
    "set confirm off",
    "set pagination off",
    "set auto-load off",
    "set auto-solib-add off",
    "set debuginfod enabled off",
    "set startup-with-shell off",
    # A line, and a look at the terminal, for every thread.
    "set print thread-events off",
    # Threads are stopped and waited for in one go, not one event after the other.
    "maint set target-non-stop off",
    "maint set target-async off",
    "handle all stop print pass",
    "handle SIGINT stop print pass",
    # The one that holds the process is ours, see :mod:`_fd.stop`.
    "handle SIGSTOP nostop noprint nopass",
)


class GdbError(Exception):
    """gdb is missing, said no, or gave no answer in time; the text is one line fit for an operator."""


class Stopped(NamedTuple):
    """Why the target stopped: MI's reason and the signal's name, empty when there was none."""

    reason: str
    signal: str


class Session:
    """A gdb process that attaches to one target at a time. Use as a context manager; leaving it ends gdb."""

    def __init__(self, gdb: str, empty_folder: str, timeout: float) -> None:
        """``empty_folder``: a directory that only we can write; ``timeout``: seconds for every answer."""
        #: Called once before gdb is killed, while it still holds the target.
        self.before_kill: Optional[Callable[[], None]] = None
        self._timeout = timeout
        self._target = 0
        self._buffer = b""
        self._locked = False
        #: Register numbers, known once there is a target.
        self._numbers: dict[str, int] = {}
        settings = [*_SETTINGS, "set sysroot %s" % empty_folder, "set libthread-db-search-path %s" % empty_folder]
        argv = [gdb, "-nx", "-nh", "-q", "--readnever", "-i=mi2"]
        argv += [word for setting in settings for word in ("-iex", setting)]
        try:
            # run_command runs to the end; this is a dialogue, and there may be no module around it.
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=empty_folder,
                env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": empty_folder},
                start_new_session=True,
                bufsize=0,
            )
        except OSError as exc:
            raise GdbError("cannot start gdb (%s): %s; install the package gdb" % (gdb, exc.strerror)) from exc
        self._to_gdb = cast(IO[bytes], self._process.stdin)
        self._from_gdb = cast(IO[bytes], self._process.stdout)
        self._until(lambda line: line.startswith("(gdb)"))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def group(self) -> int:
        """Process group of gdb and whatever is around it."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is gone, and with it its hold on the target."""
        return self._process.poll() is not None

    def attach(self, pid: int, names: Sequence[str]) -> dict[str, int]:
        """Stop all threads of a process; the values of some registers of the main thread.

        One round trip, but for the first time: gdb reads no further than to the attach until the process stands still.
        """
        self._target = pid
        if not self._locked:
            self._first_attach(pid)
            return self.registers(names)
        self._send("-target-attach %d" % pid, self._listing(names))
        try:
            self._result(("^done",))
        except GdbError:
            # That of the listing, which then makes no sense either.
            with contextlib.suppress(GdbError):
                self._result(("^done",))
            raise
        self._stopped()
        return self._values(names)

    def _first_attach(self, pid: int) -> None:
        self.command("-target-attach %d" % pid)
        self._stopped()
        # They need a target, and then hold for all that follow.
        self.command("-gdb-set scheduler-locking on")
        self.command('-interpreter-exec console "catch syscall"')
        self._locked = True

    def detach(self) -> None:
        """Let the target run on."""
        self.command("-target-detach")
        self._target = 0

    def evaluate(self, expression: str) -> str:
        """Value of an expression as gdb prints it."""
        match = _VALUE.match(self.command('-data-evaluate-expression "%s"' % expression))
        if not match:
            raise GdbError("gdb gave no value for %s" % expression)
        return match.group(1)

    def registers(self, names: Sequence[str]) -> dict[str, int]:
        """Values of the selected thread's registers, unsigned, in one round trip."""
        self._send(self._listing(names))
        return self._values(names)

    def assign(self, expression: str, names: Sequence[str]) -> dict[str, int]:
        """Evaluate assignments to registers; the values of some afterwards, in one round trip."""
        self._send('-data-evaluate-expression "%s"' % expression, self._listing(names))
        self._result(("^done",))
        return self._values(names)

    def assign_and_call(self, expression: str, names: Sequence[str]) -> tuple[Stopped, dict[str, int]]:
        """The same, and then the selected thread makes the system call at which it is; two round trips.

        gdb reads no further than to a command that lets the target run, until it has stopped again. Where the first
        stop is not the call's entry, the thread goes no further.
        """
        self._send('-data-evaluate-expression "%s"' % expression)
        self._result(("^done",))
        entered = self._go_on(names)
        return entered if entered[0].reason != ENTRY else self._go_on(names)

    def _go_on(self, names: Sequence[str]) -> tuple[Stopped, dict[str, int]]:
        self._send("-exec-continue", self._listing(names))
        self._result(("^running", "^done"))
        stopped = self._stopped()
        return stopped, self._values(names)

    def _listing(self, names: Sequence[str]) -> str:
        if not self._numbers:
            listed = _QUOTED.findall(self.command("-data-list-register-names"))
            self._numbers = {name: number for number, name in enumerate(listed) if name}
        return "-data-list-register-values x %s" % " ".join(str(self._numbers[name]) for name in names)

    def _values(self, names: Sequence[str]) -> dict[str, int]:
        wanted = {self._numbers[name]: name for name in names}
        listed = _REGISTER.findall(self._result(("^done",)))
        return {wanted[int(number)]: int(value, 16) for number, value in listed}

    def command(self, text: str) -> str:
        """Send one MI command and return its result record. Raises :class:`GdbError` with gdb's own message."""
        self._send(text)
        return self._result(("^done",))

    def _result(self, done: tuple[str, ...]) -> str:
        """The next result record."""
        answer = self._until(lambda line: line.startswith("^"))
        if not answer.startswith(done):
            match = _MESSAGE.search(answer)
            raise GdbError("gdb: %s" % (match.group(1) if match else answer))
        return answer

    def close(self) -> None:
        """End gdb; what it still holds is released. Never raises and never waits longer than the timeout."""
        if self._process.poll() is None:
            with contextlib.suppress(GdbError, subprocess.TimeoutExpired):
                self._send("-gdb-exit")
                self._process.wait(min(self._timeout, 2.0))
        self._kill()
        self._to_gdb.close()
        self._from_gdb.close()

    def _stopped(self) -> Stopped:
        line = self._until(lambda text: text.startswith("*stopped"))
        reason, name = _REASON.search(line), _SIGNAL.search(line)
        if reason and reason.group(1).startswith("exited"):
            raise GdbError("the process ended while it was being looked at")
        return Stopped(reason.group(1) if reason else "", name.group(1) if name else "")

    def _send(self, *texts: str) -> None:
        """Several commands in one write: each round trip costs two waits for the scheduler."""
        if self._to_gdb.closed:
            raise GdbError("gdb has ended")
        try:
            self._to_gdb.write("".join(text + "\n" for text in texts).encode("ascii"))
        except OSError as exc:
            raise GdbError("gdb has ended: %s" % exc.strerror) from exc

    def _until(self, wanted: Callable[[str], bool]) -> str:
        deadline = time.monotonic() + self._timeout
        while True:
            line = self._line(deadline)
            if wanted(line):
                return line

    def _line(self, deadline: float) -> str:
        """The next line. A gdb that is late, has ended or babbles is killed."""
        while b"\n" not in self._buffer:
            self._buffer += self._read(deadline)
            if len(self._buffer) > LONGEST_LINE:
                self._give_up("gdb sends a line without end")
        if time.monotonic() >= deadline:
            self._give_up("gdb gave no answer in %g s" % self._timeout)
        raw, self._buffer = self._buffer.split(b"\n", 1)
        return raw.decode("utf-8", "replace").rstrip()

    def _read(self, deadline: float) -> bytes:
        if self._from_gdb.closed:
            raise GdbError("gdb has ended")
        fd = self._from_gdb.fileno()
        while not select.select([fd], [], [], max(0.0, min(_LOOK_S, deadline - time.monotonic())))[0]:
            self._look_around()
            if time.monotonic() >= deadline:
                self._give_up("gdb gave no answer in %g s" % self._timeout)
        chunk = os.read(fd, 65536)
        if not chunk:
            self._give_up("gdb has ended by itself")
        return chunk

    def _look_around(self) -> None:
        """A gdb whose target is gone may never answer, and a wrapper may keep the pipe of one that has ended."""
        if self._process.poll() is not None:
            self._give_up("gdb has ended by itself")
        target = _procfs.stat(self._target) if self._target else None
        if self._target and (target is None or target.state in "ZX"):
            self._give_up("the process ended while it was being looked at: gdb gave no answer")

    def _give_up(self, why: str) -> NoReturn:
        self._kill()
        raise GdbError("%s and was killed; what it held runs on" % why)

    def _kill(self) -> None:
        """The whole session that was made for gdb: what was started as gdb may be a wrapper around it."""
        hook, self.before_kill = self.before_kill, None
        if hook is not None:
            hook()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
