# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The victim's event loop: answers on a control socket, and leaves everything else that is ready as it is."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from . import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Rests this long after a round in which something was ready that nobody serves, so that tests cost no CPU.
PACE_S = 0.002
#: Real-time signals queue up and are never merged (signal(7)), so they can be counted.
QUEUED_SIGNAL = signal.SIGRTMIN + 3


class Loop:
    """Level-triggered epoll loop over the control socket and whatever the scenario has registered."""

    def __init__(self, control: socket.socket, pace: float) -> None:
        self.epoll = select.epoll()
        self.healthy: list[socket.socket] = []
        self.faults: list[str] = []
        self._signals = 0
        self._signalled = _wakeup_pipe()
        self._control = control
        self._pace = pace
        self._rounds = 0
        self._asking = -1
        self._ready: dict[int, int] = {}
        self._commands: dict[str, Callable[[int], Any]] = {
            "probe": self._probe,
            "read": _read,
            "use": _use,
            "close": os.close,
            "reopen": _reopen,
        }
        self.epoll.register(control.fileno(), select.EPOLLIN)
        signal.signal(QUEUED_SIGNAL, _ignore)

    def run(self) -> None:
        """Never returns."""
        while True:
            ready = self.epoll.poll(0.05)
            self._rounds += 1
            for fd, _events in ready:
                if fd == self._control.fileno():
                    self._answer()
                else:
                    self._ready[fd] = self._ready.get(fd, 0) + 1
            if ready and self._pace:
                time.sleep(self._pace)

    def take_signals(self, timer: str, milliseconds: str) -> None:
        """A signal every so often, by the clock (``real``) or by CPU time used (``prof``)."""
        which = {"real": (signal.ITIMER_REAL, signal.SIGALRM), "prof": (signal.ITIMER_PROF, signal.SIGPROF)}[timer]
        signal.signal(which[1], _ignore)
        signal.setitimer(which[0], float(milliseconds) / 1000.0, float(milliseconds) / 1000.0)

    def _answer(self) -> None:
        connection, _address = self._control.accept()
        with connection:
            self._asking = connection.fileno()
            command, number = json.loads(connection.makefile().readline())
            connection.sendall(json.dumps(self._commands[command](number)).encode("ascii") + b"\n")

    def _probe(self, _number: int) -> dict[str, Any]:
        """How often epoll reported each number since the last probe, and what the other connections say."""
        ready, self._ready = self._ready, {}
        return {
            "rounds": self._rounds,
            "ready": {str(fd): count for fd, count in ready.items()},
            "healthy": len(self.healthy),
            "echoed": sum(_echoes(sock) for sock in self.healthy),
            "inodes": {str(fd): inode for fd, inode in _open_files() if fd != self._asking},
            "signals": self._count_signals(),
            "faults": self.faults,
        }

    def _count_signals(self) -> int:
        with contextlib.suppress(BlockingIOError):
            self._signals += len(os.read(self._signalled, 1 << 20))
        return self._signals


def _wakeup_pipe() -> int:
    """A pipe that gets a byte for each signal: the interpreter itself merges those it has not handled yet."""
    end, other = os.pipe()
    os.set_blocking(end, False)
    os.set_blocking(other, False)
    signal.set_wakeup_fd(other, warn_on_full_buffer=False)
    return end


def _ignore(_number: int, _frame: object) -> None:
    """A handler; what counts is the byte in the pipe."""


def block(how: str, loop: Loop) -> None:
    """Occupy the main thread with one system call while the loop runs elsewhere. Never returns."""
    threading.Thread(target=loop.run, daemon=True).start()
    for call in [_BLOCKING[how]] * 1_000_000:
        try:
            call()
        except OSError as exc:
            loop.faults.append(f"{how}: {exc}")


def idle_threads(count: int, loop: Loop) -> None:
    """Threads that wait in different system calls; what those report in error is a fault."""
    for index in range(count):
        how = sorted(_BLOCKING)[index % len(_BLOCKING)]
        threading.Thread(target=_repeat, args=(how, loop), daemon=True).start()


def _repeat(how: str, loop: Loop) -> None:
    while True:
        try:
            _BLOCKING[how]()
        except OSError as exc:
            loop.faults.append(f"{how}: {exc}")


def _sleep() -> None:
    before = time.monotonic()
    time.sleep(0.7)
    if time.monotonic() - before < 0.7:
        raise OSError(errno.EINTR, "slept too short")


def _futex() -> None:
    threading.Event().wait(0.6)


def _poll() -> None:
    select.poll().poll(500)


def _pipe_read() -> None:
    end, other = os.pipe()
    threading.Timer(0.4, os.write, (other, b"x")).start()
    try:
        if os.read(end, 1) != b"x":
            raise OSError(errno.EIO, "read something else")
    finally:
        os.close(end)
        os.close(other)


_BLOCKING: dict[str, Callable[[], None]] = {"futex": _futex, "poll": _poll, "read": _pipe_read, "sleep": _sleep}


def _echoes(sock: socket.socket) -> bool:
    """Whether the server still gives back what it is sent on that connection."""
    token = os.urandom(12).hex().encode("ascii")
    sock.sendall(token)
    heard = b""
    while len(heard) < len(token):
        heard += sock.recv(len(token) - len(heard)) or b"\0" * len(token)
    return heard == token


def _open_files() -> Iterator[tuple[int, int]]:
    """Number and inode of each; threads open and close some meanwhile."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            yield int(name), identity.inode(int(name))


def _read(number: int) -> str:
    return os.read(number, 65536).decode("ascii")


def _use(number: int) -> str:
    """What the owner of the number gets when it goes on using it."""
    try:
        return os.read(number, 1).decode("ascii") or "EOF"
    except OSError as exc:
        return errno.errorcode[exc.errno or 0]


def _reopen(number: int) -> None:
    """Let the number be another file."""
    other = os.open(os.devnull, os.O_RDONLY)
    os.dup2(other, number)
    os.close(other)
