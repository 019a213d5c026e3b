# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a list of kinds to a process that has sockets of these kinds, as targets that ``fd_close`` takes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import identity, sockets

if TYPE_CHECKING:
    from .loop import Loop

GHOSTS = ("ghost", "ghostshut")
CLONE_NEWPID = 0x20000000
CLONE_FILES = 0x400
SYS_CLONE = 56


class Wish(NamedTuple):
    """``KIND[:NUMBER][*COUNT]``."""

    kind: str
    number: int
    times: int


def parse(text: str) -> Wish:
    """One wish as given on the command line."""
    head, _star, count = text.partition("*")
    kind, _colon, number = head.partition(":")
    return Wish(kind, int(number or 0), int(count or 1))


class Scenario:
    """Sockets by kind; they are kept open for as long as this object lives."""

    def __init__(self, loop: Loop, peers: sockets.Peers) -> None:
        self.groups: dict[str, list[dict[str, Any]]] = {}
        self._loop = loop
        self._peers = peers
        self._kept: list[socket.socket] = []

    def fulfil(self, wish: Wish) -> None:
        """Make what is wished for."""
        for _turn in range(wish.times):
            if wish.kind == "zombie":
                zombie = _zombie()
                start_time = identity.start_time(zombie)
                self._add("zombie", {"pid": zombie, "start_time": start_time, "fd": 0, "inode": 1, "cookie": None})
            elif wish.kind in GHOSTS:
                self._ghost(wish)
            elif wish.kind == "unaccepted":
                self._unaccepted(wish)
            elif wish.kind == "idlefin":
                self._idle_fin(wish)
            else:
                self._socket(wish)

    def _socket(self, wish: Wish) -> None:
        # A machine without IPv6 has one kind of connection less, not one test less.
        kind = "watched" if wish.kind in ("v6", "mapped") and self._peers.ipv6 is None else wish.kind
        sock = sockets.make(kind, wish.number, self._peers)
        self._kept.append(sock)
        self._watch(sock, sockets.EVENTS.get(wish.kind, 0))
        if wish.kind == "healthy":
            self._loop.healthy.append(sock)
        row = identity.target(sock.fileno(), epoll_fd=self._loop.epoll.fileno(), unread=_unread(wish.kind, sock))
        if wish.kind in _SHARED:
            child, number = _SHARED[wish.kind](sock.fileno())
            row["child"] = child
            row["copy"] = {**row, "pid": child, "start_time": identity.start_time(child), "fd": number}
        self._add(wish.kind, row)

    def _unaccepted(self, wish: Wish) -> None:
        """A listener, and connections to it whose other end has gone before they were accepted."""
        server = sockets.make("listener", 0, self._peers)
        self._kept.append(server)
        for _turn in range(wish.number):
            socket.create_connection(server.getsockname()).close()
        self._add(wish.kind, identity.target(server.fileno(), port=server.getsockname()[1]))

    def _idle_fin(self, wish: Wish) -> None:
        """Closed by the peer after ``number`` idle milliseconds; ``closed_at`` in seconds since boot."""
        sock = sockets.make("late", wish.number, self._peers)
        self._kept.append(sock)
        self._add(wish.kind, identity.target(sock.fileno(), closed_at=time.clock_gettime(time.CLOCK_BOOTTIME)))

    def _ghost(self, wish: Wish) -> None:
        """Forked children (``number`` of them) keep a registered socket alive; its number is healthy here."""
        sock = sockets.make("watched", 0, self._peers)
        number = sock.fileno()
        self._watch(sock, sockets.LEVEL)
        row = identity.target(number, ghost=True, epoll_fd=self._loop.epoll.fileno(), watcher=os.getpid())
        # Like kombu's children: they inherit the epoll fd as well.
        children = [_holder([number, self._loop.epoll.fileno()]) for _turn in range(max(1, wish.number))]
        if wish.kind == "ghostshut":
            sockets.shut(sock)
            row["cookie"] = None
        sock.close()
        successor = sockets.make("healthy", 0, self._peers)
        self._watch(successor, sockets.LEVEL)
        self._loop.healthy.append(successor)
        row["successor"] = identity.target(successor.fileno())
        for child in children:
            self._add(wish.kind, {**row, "pid": child, "start_time": identity.start_time(child)})

    def _watch(self, sock: socket.socket, events: int) -> None:
        if events:
            self._loop.epoll.register(sock.fileno(), events)

    def _add(self, kind: str, row: dict[str, Any]) -> None:
        self.groups.setdefault(kind, []).append(row)


def become(program: list[str], loop: Loop, control: socket.socket, groups: dict[str, list[dict[str, Any]]]) -> None:
    """Replace this program by another one, which inherits every fd of the scenario.

    It is told: epoll fd, control socket, number of healthy connections, and these.
    """
    healthy = [sock.fileno() for sock in loop.healthy]
    rows = [row["fd"] for rows in groups.values() for row in rows if row["pid"] == os.getpid()]
    for fd in (loop.epoll.fileno(), control.fileno(), *healthy, *rows):
        os.set_inheritable(fd, True)
    numbers = [loop.epoll.fileno(), control.fileno(), len(healthy), *healthy]
    os.execv(program[0], [*program, *map(str, numbers)])  # noqa: S606 - this very process is to become it


def _unread(kind: str, sock: socket.socket) -> int:
    return 0 if kind in ("listener", "unsent") else sockets.unread(sock)


def _holder(keep: list[int]) -> int:
    """A child that holds these numbers and nothing else for as long as this process lives."""
    end, other = os.pipe()
    child = os.fork()
    if child:
        os.close(end)
        return child
    os.close(other)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (*keep, end, 0, 1, 2):
            _close_quietly(int(name))
    select.poll().poll(0)
    os.read(end, 1)
    os._exit(0)


def _forked(number: int) -> tuple[int, int]:
    """A child that has inherited the socket, and its number there."""
    return _holder([number]), number


def _passed(number: int) -> tuple[int, int]:
    """A process that was given the socket over a unix socket."""
    ours, theirs = socket.socketpair()
    end, other = os.pipe()
    child = os.fork()
    if not child:
        for name in os.listdir("/proc/self/fd"):
            if int(name) not in (theirs.fileno(), end, 0, 1, 2):
                _close_quietly(int(name))
        data = theirs.recvmsg(1, socket.CMSG_SPACE(4))[1][0][2]
        theirs.sendall(data[:4])
        os.read(end, 1)
        os._exit(0)
    os.close(end)
    ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", number))])
    received = struct.unpack("i", ours.recv(4))[0]
    ours.close()
    theirs.close()
    _PIPES.append(other)
    return child, received


def _jailed(number: int) -> tuple[int, int]:
    """A child in a pid namespace of its own, seen from here."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWPID) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    child = _holder([number])
    # Children of this process are born where it was again.
    if libc.setns(own, CLONE_NEWPID) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(own)
    return child, number


def _tabled(number: int) -> tuple[int, int]:
    """Another process with the very same table of files (clone(2), CLONE_FILES)."""
    child = ctypes.CDLL(None, use_errno=True).syscall(SYS_CLONE, CLONE_FILES | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        while True:
            signal.pause()
    return child, number


#: Ways in which another process comes to hold a socket.
_SHARED = {"shared": _forked, "passed": _passed, "jailed": _jailed, "tabled": _tabled}
#: Their other ends live as long as this process.
_PIPES: list[int] = []


def _close_quietly(number: int) -> None:
    with contextlib.suppress(OSError):
        os.close(number)


def _zombie() -> int:
    child = os.fork()
    if not child:
        os._exit(0)
    while "Z" not in identity.states(child):
        pass
    return child


def interfaces() -> bool:
    """Whether this network namespace has IPv6 on its loopback interface."""
    try:
        return " lo" in Path("/proc/net/if_inet6").read_text()
    except OSError:
        return False
