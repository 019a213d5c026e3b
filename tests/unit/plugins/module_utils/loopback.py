# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real sockets and processes for tests of what reads them: TCP over loopback, forked holders, trees like /proc."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Union

import pytest

TCP_CLOSE = 7
TCP_CLOSE_WAIT = 8
SO_COOKIE = 57
WAIT_S = 30.0
#: Seconds: the kernel counts times of sockets in jiffies of up to 10 ms, and each of two may be off by one.
JIFFY = 0.02

#: File name -> text, or (for folders of links such as fd) -> name -> where it points.
Entries = Mapping[str, Union[str, Mapping[str, str]]]


class Connection(NamedTuple):
    """Our end and the other end of one TCP connection, both in this process."""

    ours: socket.socket
    theirs: socket.socket


def inode(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


def cookie(sock: socket.socket) -> str:
    """The kernel's cookie by another way than netlink (SO_COOKIE)."""
    return "%016x" % int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8), sys.byteorder)


def without_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return True
    return False


needs_ipv6 = pytest.mark.skipif(without_ipv6(), reason="this machine has no IPv6 on its loopback interface")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root; the integration targets cover it")
needs_gdb = pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed on this machine")


@contextlib.contextmanager
def connection(address: str = "127.0.0.1", to: Optional[str] = None) -> Iterator[Connection]:
    """A connection to a listener on ``address``; ``to`` is how the client names it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(family))
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind((address, 0))
        server.listen(4)
        client_family = socket.AF_INET6 if to and ":" in to else family
        ours = stack.enter_context(socket.socket(client_family if to else family))
        ours.connect((to or address, server.getsockname()[1]))
        theirs = stack.enter_context(server.accept()[0])
        yield Connection(ours, theirs)


@contextlib.contextmanager
def half_closed(unread: int = 0, address: str = "127.0.0.1", to: Optional[str] = None) -> Iterator[socket.socket]:
    """Our end of a connection that the other end has closed after sending ``unread`` bytes."""
    with connection(address, to) as both:
        both.theirs.sendall(b"x" * unread)
        both.theirs.close()
        wait_for_state(both.ours, TCP_CLOSE_WAIT, unread)
        yield both.ours


@contextlib.contextmanager
def reset(unread: int = 0) -> Iterator[socket.socket]:
    """Our end, still open, of a connection that the other end has reset: no listing shows it any more."""
    with connection() as both:
        both.theirs.sendall(b"x" * unread)
        both.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        both.theirs.close()
        wait_for_state(both.ours, TCP_CLOSE, unread)
        yield both.ours


def wait_for_state(sock: socket.socket, state: int, unread: int = 0) -> None:
    deadline = time.monotonic() + WAIT_S
    while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != state or waiting(sock) < unread:
        assert time.monotonic() < deadline, "the socket did not reach TCP state %d" % state
        time.sleep(0.001)


def waiting(sock: socket.socket) -> int:
    """Bytes that can be read."""
    return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.FIONREAD, b"\0\0\0\0"))[0])


@contextlib.contextmanager
def forked(*kept: int) -> Iterator[int]:
    """A child that holds these fds of ours, and only these, until the block is left."""
    end, other = os.pipe()
    child = os.fork()
    if not child:
        for fd in open_fds():
            if fd not in (*kept, end):
                with contextlib.suppress(OSError):
                    os.close(fd)
        os.read(end, 1)
        os._exit(0)
    try:
        os.close(end)
        # Asleep, so that it does not use any CPU time from now on.
        wait_until(lambda: fds_of(child) == {*kept, end} and state_of(child) == "S")
        yield child
    finally:
        os.close(other)
        os.waitpid(child, 0)


def open_fds() -> List[int]:
    return [int(name) for name in os.listdir("/proc/self/fd")]


def fds_of(pid: int) -> set[int]:
    return {int(name) for name in os.listdir("/proc/%d/fd" % pid)}


def state_of(pid: int) -> str:
    """Letter of the main thread's state, proc_pid_stat(5)."""
    return Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0]


def has_ended(pid: int) -> bool:
    """Whether it is gone, or a zombie for which nobody waits (a container without an init)."""
    try:
        return state_of(pid) in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _die_with_parent() -> None:
    """prctl(2), PR_SET_PDEATHSIG."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@contextlib.contextmanager
def running(code: str, *arguments: str, interpreter: str = sys.executable) -> Iterator[subprocess.Popen[str]]:
    """A Python program that has printed its first line; killed when the block is left."""
    argv = [interpreter, "-u", "-c", code, *arguments]
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        universal_newlines=True,
        # ansible-test forks for every test and leaves the block of a module's fixture by dying.
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads here
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, "the program did not start"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()


def tree(root: Path, processes: Mapping[int, Entries]) -> str:
    """A folder that looks like /proc."""
    for pid, entries in processes.items():
        for name, content in entries.items():
            path = root / str(pid) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.write_bytes(content.encode("utf-8", "surrogateescape"))
                continue
            path.mkdir(exist_ok=True)
            for link, target in content.items():
                (path / link).symlink_to(target)
    return str(root)


def stat_line(pid: int, name: str, state: str = "S", ppid: int = 1, start_time: int = 4711) -> str:
    """A line of /proc/PID/stat (proc_pid_stat(5)): every number is different, so that a wrong field shows."""
    between = " ".join(str(number) for number in range(901, 918))
    return "%d (%s) %s %d %s %d 3932160 526 18446744073709551615\n" % (pid, name, state, ppid, between, start_time)


def script(folder: Path, body: str, name: str = "gdb") -> str:
    """An executable shell script."""
    path = folder / name
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return str(path)


#: A shell script in gdb's place; ``%s`` is what it does with each command that is no part of a definition.
OBEDIENT = r"""
depth=0
while read -r line; do
  case $line in
    'echo \n'*) mark=${line#???????}; mark=${mark%%??} ;;
  esac
  case $line in
    define*|if*) depth=$((depth + 1)) ;;
    end) depth=$((depth - 1)) ;;
    quit) exit ;;
    cw-end) printf '\n%%s\n' "$mark" ;;
    *) [ $depth -gt 0 ] || { %s
} ;;
  esac
done
"""
REFUSING = OBEDIENT % "echo 'ptrace: Operation not permitted.'"


#: Watches a half-closed connection to itself, and answers lines on its standard input from its event loop.
LOOP = """
import json, os, select, socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
def pair():
    ours = socket.create_connection(server.getsockname())
    return ours, server.accept()[0]
closed, other = pair()
other.close()
while closed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 8:
    time.sleep(0.001)
healthy, echo = pair()
epoll = select.epoll()
epoll.register(closed.fileno(), select.EPOLLIN)
epoll.register(0, select.EPOLLIN)
print(json.dumps({"fd": closed.fileno(), "inode": os.fstat(closed.fileno()).st_ino, "epoll": epoll.fileno()}))
ready = 0
while True:
    for fd, events in epoll.poll():
        if fd == 0:
            asked = sys.stdin.readline()
            if not asked:
                sys.exit()
            if asked == "close\\n":
                os.close(closed.fileno())
            echo.sendall(b"hello")
            try:
                use = os.read(closed.fileno(), 1).decode() or "EOF"
            except OSError as exc:
                use = exc.strerror
            print(json.dumps({"ready": ready, "healthy": healthy.recv(5).decode(), "use": use}))
            ready = 0
        else:
            ready += 1
    time.sleep(0.002)
"""


class Victim(NamedTuple):
    """A running :data:`LOOP` and what it said of itself."""

    process: subprocess.Popen[str]
    fd: int
    inode: int
    epoll: int

    def close(self) -> Dict[str, Any]:
        """The program closes the connection itself; what it says then."""
        return self.ask("close")

    def ask(self, what: str = "?") -> Dict[str, Any]:
        """What the loop says: rounds in which the closed connection was ready since the last question, and more."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("%s\n" % what)
        self.process.stdin.flush()
        assert select.select([self.process.stdout], [], [], WAIT_S)[0], "the loop does not answer any more"
        answer: Dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextlib.contextmanager
def victim() -> Iterator[Victim]:
    """A process that watches a half-closed connection."""
    argv = [sys.executable, "-u", "-c", LOOP]
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        universal_newlines=True,
        # ansible-test forks for every test and leaves the block of a module's fixture by dying.
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads here
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        yield Victim(process, said["fd"], said["inode"], said["epoll"])
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def started_when_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a program that is started has written a line into this file before its deadline begins to run.

    Where a shell is late, the deadline would else meet one that has not come so far, and the file would not be there.
    """
    start = subprocess.Popen

    def patiently(*arguments: Any, **options: Any) -> subprocess.Popen[Any]:
        process = start(*arguments, **options)
        try:
            wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
        except BaseException:
            process.kill()
            raise
        return process

    monkeypatch.setattr(subprocess, "Popen", patiently)
