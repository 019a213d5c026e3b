# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One gdb that reads nothing of the target's and never hangs.

gdb gets no init files, no debug information, no auto-load, no thread library and an empty directory as sysroot: it
opens no file of the target's, inserts no breakpoint, and the target is stopped for a few milliseconds only.
Every command has a deadline; when it passes, gdb is killed, and the kernel then releases the target (ptrace(2)).

It is driven over its command line and not over GDB/MI: that tells of every thread twice, each time in a write of its
own, for which a process with thirty threads stands still twice as long. A defined command of gdb's ends at its first
error; what we hear of one that came to its end is a line with a word that nobody else knows, so that no name of a
thread or of a file can be taken for it.
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
import secrets
import select
import signal
import subprocess
import time
from typing import IO, Callable, NamedTuple, NoReturn, Optional, Sequence, cast

from ansible_collections.closewait.remediation.plugins.module_utils import _procfs

_STOPS = re.compile(r"Catchpoint \d+ \((call to|returned from) syscall |received signal (\w+)")
_ENDED = re.compile(r"^\[Inferior \d+ .*exited |^The program no longer exists")

ENTRY, RETURN, SIGNAL = "call to", "returned from", "signal"

LONGEST_LINE = 1 << 20
#: So many lines of what gdb says beside an answer are kept.
_KEPT_LINES = 20
#: While it waits for an answer it looks that often whether there can be one.
_LOOK_S = 0.25

_SETTINGS = (
    "set confirm off",
    "set pagination off",
    "set width 0",
    "set style enabled off",
    "set prompt",
    "set auto-load off",
    "set auto-solib-add off",
    "set debuginfod enabled off",
    "set startup-with-shell off",
    "set print inferior-events off",
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

#: gdb reads each letter by itself, so what is sent in a stop is short.
_END = "cw-end"
#: Commands of ours; each says that it has come to its end. ``show`` and ``call`` are of some registers.
_DEFINED = """define cw-end
echo \\n{mark}\\n
end
define cw-lock
set scheduler-locking on
catch syscall
printf "\\n{mark}=;\\n"
end
define cw-detach
detach
printf "\\n{mark}=;\\n"
end"""
_SHOW_AND_CALL = """define cw-show-{turn}
printf "\\n{mark}={formats};\\n", {registers}
end
define cw-call-{turn}
set var $arg0
continue
if $arg1
continue
end
cw-show-{turn}
end"""


class GdbError(Exception):
    """gdb is missing, said no, or gave no answer in time; the text is one line fit for an operator."""


class Stopped(NamedTuple):
    """Why the target stopped: :data:`ENTRY`, :data:`RETURN` or :data:`SIGNAL`, else empty; the signal's name."""

    reason: str
    signal: str


class Answer(NamedTuple):
    """``values``: None where a command did not come to its end; ``said``: the last lines of all else."""

    values: Optional[list[int]]
    said: Sequence[str]


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
        #: Ends every answer; no program can know it.
        self._mark = secrets.token_hex(8)
        #: The registers for which commands are defined; a command's name ends in its place here.
        self._defined: list[tuple[str, ...]] = []
        settings = [*_SETTINGS, "set sysroot %s" % empty_folder, "set libthread-db-search-path %s" % empty_folder]
        argv = [gdb, "-nx", "-nh", "-q", "--readnever"]
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
        self._ask(_DEFINED.format(mark=self._mark))

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
        """Stop all threads of a process; the values of some registers of the main thread, in one round trip.

        gdb reads no further than to the attach until the process stands still.
        """
        show = self._command("show", names)
        self._target = pid
        self._send("attach %d" % pid, _END, show, _END)
        attached, shown = self._answer(), self._answer()
        if shown.values is None:
            raise GdbError("gdb: %s" % _last(attached))
        if not self._locked:
            # It takes a target, and then holds for all that follow.
            self._done("cw-lock")
            self._locked = True
        return dict(zip(names, shown.values))

    def detach(self) -> None:
        """Let the target run on."""
        self._done("cw-detach")
        self._target = 0

    def assign(self, expression: str, names: Sequence[str]) -> dict[str, int]:
        """Evaluate assignments to registers; the values of some afterwards, unsigned, in one round trip."""
        return self._values(names, self._ask("set var %s" % expression, self._command("show", names)))

    def assign_and_call(self, expression: str, entered: str, names: Sequence[str]) -> tuple[Stopped, dict[str, int]]:
        """The same, and then the selected thread makes the system call at which it is, in one round trip.

        ``entered``: by what it is known that it stands at the call's entry; if not, it goes no further. Expressions
        have no blanks. After an assignment that failed it does not go on.
        """
        answer = self._ask("%s %s %s" % (self._command("call", names), expression, entered))
        return _stopped(answer), self._values(names, answer)

    def _command(self, what: str, names: Sequence[str]) -> str:
        """Name of our command; the first time it is defined."""
        wanted = tuple(names)
        if wanted not in self._defined:
            self._defined.append(wanted)
            registers = ",".join("$" + name for name in wanted)
            turn, formats = len(self._defined) - 1, " ".join(["%lx"] * len(wanted))
            self._ask(_SHOW_AND_CALL.format(turn=turn, mark=self._mark, formats=formats, registers=registers))
        return "cw-%s-%d" % (what, self._defined.index(wanted))

    def _values(self, names: Sequence[str], answer: Answer) -> dict[str, int]:
        if answer.values is None:
            raise GdbError("gdb: %s" % _last(answer))
        return dict(zip(names, answer.values))

    def _done(self, command: str) -> None:
        """One of our commands. Raises :class:`GdbError` with gdb's own message."""
        self._values((), self._ask(command))

    def _ask(self, *lines: str) -> Answer:
        self._send(*lines, _END)
        return self._answer()

    def _answer(self) -> Answer:
        """All until the end of the next answer, which must come in time."""
        deadline = time.monotonic() + self._timeout
        said: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        values: Optional[list[int]] = None
        # What fails on its way says so on the same line, and ends it by no semicolon.
        done = re.compile("%s=([0-9a-f ]*);$" % self._mark)
        while True:
            line = self._line(deadline)
            if line == self._mark:
                return Answer(values, said)
            found = done.match(line)
            if found:
                values = [int(word, 16) for word in found.group(1).split()]
            elif line:
                said.append(line)

    def close(self) -> None:
        """End gdb; what it still holds is released. Never raises and never waits longer than the timeout."""
        if self._process.poll() is None:
            with contextlib.suppress(GdbError, subprocess.TimeoutExpired):
                self._send("quit")
                self._process.wait(min(self._timeout, 2.0))
        self._kill()
        self._to_gdb.close()
        self._from_gdb.close()

    def _send(self, *texts: str) -> None:
        """All lines in one write: each round trip costs two waits for the scheduler."""
        if self._to_gdb.closed:
            raise GdbError("gdb has ended")
        try:
            self._to_gdb.write("".join(text + "\n" for text in texts).encode("ascii"))
        except OSError as exc:
            raise GdbError("gdb has ended: %s" % exc.strerror) from exc

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


def _stopped(answer: Answer) -> Stopped:
    """The last stop that gdb told of."""
    if any(_ENDED.search(line) for line in answer.said):
        raise GdbError("the process ended while it was being looked at")
    stops = [match for line in answer.said for match in _STOPS.finditer(line)]
    if not stops:
        return Stopped("", "")
    return Stopped(stops[-1].group(1) or SIGNAL, stops[-1].group(2) or "")


def _last(answer: Answer) -> str:
    """Errors come last. Names of threads and files in them are the target's, and nothing of them goes to a terminal."""
    said = answer.said[-1] if answer.said else "it gave no reason"
    return "".join(letter if letter.isprintable() else "?" for letter in said)
