# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a victim does all day: connections, half-closed connections and files on numbers that change hands at once."""

from __future__ import annotations

import contextlib
import os
import random
import select
import socket
import struct
import time
from typing import NamedTuple

from ..peer import NONCE, SECRET, UNREAD
from . import diary
from .fd_numbers import Numbers, socket_or_file

#: A healthy connection that does not answer for so long has been hurt, however loaded the machine is.
PATIENCE_S = 40
#: How many a process has at a time.
HEALTHY, BAITS, FILES = 8, 30, 4
#: The same for one of many threads.
FEW = 2, 2, 1
ADDRESSES = 40

#: How often a bait that lasts is closed by the victim all the same, when its turn comes.
IMPATIENCE = 0.01


#: Set in the environment of victims that close everything within moments.
RESTLESS = "CHAOS_RESTLESS"
_RESTLESS = RESTLESS in os.environ


def lasting(inode: int) -> bool:
    """Most baits stay until somebody takes them, the others are closed, and their numbers reused, within moments."""
    return inode % 5 < 4 and not _RESTLESS


class Healthy(NamedTuple):
    """A connection that is never half-closed, by the secret that its other end repeats."""

    inode: int
    secret: bytes


class Bait(NamedTuple):
    """``order``: what the peer was told to do, see :mod:`chaos.peer`."""

    fd: int
    order: str


class Text(NamedTuple):
    """A file being written; ``lines`` are all in it."""

    inode: int
    path: str
    lines: list[bytes]


class Work:
    """The load of one thread. Several may share ``numbers`` and ``epoll``."""

    def __init__(self, log: diary.Diary, rng: random.Random, port: int, numbers: Numbers, epoll: select.epoll) -> None:
        self.diary = log
        self.rng = rng
        self.numbers = numbers
        self.epoll = epoll
        self.port = port
        self.healthy: dict[int, Healthy] = {}
        self.baits: dict[int, Bait] = {}
        self.texts: dict[int, Text] = {}
        #: Only a program that is alone with its numbers may read from one of which it is not sure.
        self.alone = True
        self.most_healthy, self.most_baits, self.most_files = HEALTHY, BAITS, FILES
        self._files = 0

    def few(self) -> None:
        """One of many threads: not more than all of them together should have, and no reading in the dark."""
        self.alone = False
        self.most_healthy, self.most_baits, self.most_files = FEW

    def round(self) -> None:
        """Open, close and reuse; then look at everything that must be well."""
        for step in self.rng.sample((self._connection, self._bait, self._bait, self._reap, self._text), 5):
            step()
        self.check()

    def check(self) -> None:
        """Every connection by content."""
        for fd in list(self.healthy):
            self.verify(fd)

    def finish(self) -> None:
        """Last look at everything; nobody works on us any more."""
        self.check()
        for inode in list(self.baits):
            bait = self.baits[inode]
            if socket_or_file(bait.fd) == inode:
                self.diary.write(diary.STILL, bait.fd, inode)
                self._unread(bait)
            else:
                self._vanished(inode)
        self.finish_texts()

    def finish_texts(self) -> None:
        """Files are written to no longer."""
        for fd in list(self.texts):
            self._end_text(fd)

    def fault(self, fd: int, inode: int, what: object) -> None:
        """Something healthy was hurt."""
        self.diary.write(diary.FAULT, fd, inode, what)

    def open_socket(self) -> tuple[int, int]:
        """A fresh unconnected socket: number and inode."""
        with self.numbers.lock:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE_S, 0))
            fd = sock.detach()
            return fd, self.numbers.took(fd)

    def connect(self, fd: int, first: bytes) -> None:
        """To one of many addresses, so that ports never run out."""
        place = (f"127.0.0.{self.rng.randint(1, ADDRESSES)}", self.port)
        sock = socket.socket(fileno=fd)
        try:
            sock.connect(place)
            sock.sendall(first)
        finally:
            sock.detach()

    def open_healthy(self) -> None:
        """A connection with a secret of its own."""
        fd, inode = self.open_socket()
        secret = self.rng.randbytes(SECRET)
        self.healthy[fd] = Healthy(inode, secret)
        try:
            self.connect(fd, b"H" + secret)
        except OSError as exc:
            self.fault(fd, inode, f"connect: {exc}")

    def verify(self, fd: int) -> None:
        """Whether the other end still is ours."""
        nonce, known = self.rng.randbytes(NONCE), self.healthy[fd]
        try:
            os.write(fd, nonce)
            self.expect(fd, known.secret + nonce)
        except OSError as exc:
            self.lose(fd, exc)

    def expect(self, fd: int, wanted: bytes) -> None:
        """Read exactly that; raises OSError when it is anything else."""
        heard = b""
        while len(heard) < len(wanted):
            part = os.read(fd, len(wanted) - len(heard))
            if not part:
                raise OSError(f"end of file on fd {fd}")
            heard += part
        if heard != wanted:
            raise OSError(f"another connection answers on fd {fd}")

    def lose(self, fd: int, why: object) -> None:
        """A healthy connection was hurt: say so, and forget it."""
        known = self.healthy.pop(fd)
        self.fault(fd, known.inode, why)
        with self.numbers.lock:
            self.numbers.close(fd, known.inode)

    def close_healthy(self, fd: int) -> None:
        """It must still be there."""
        known = self.healthy.pop(fd)
        with self.numbers.lock:
            if not self.numbers.close(fd, known.inode):
                self.fault(fd, known.inode, "gone before it was closed")

    def reap(self, inode: int) -> None:
        """Close a bait ourselves, if it is still there."""
        bait = self.baits[inode]
        with self.numbers.lock:
            if socket_or_file(bait.fd) != inode:
                self._vanished(inode)
                return
            self.diary.write(diary.REAP, bait.fd, inode)
            self._unread(bait)
            if self.numbers.close(bait.fd, inode):
                del self.baits[inode]
            else:
                self._vanished(inode)

    def _connection(self) -> None:
        if len(self.healthy) >= self.most_healthy or (self.healthy and self.rng.random() < 0.4):
            self.close_healthy(self.rng.choice(list(self.healthy)))
        else:
            self.open_healthy()

    def _bait(self) -> None:
        if len(self.baits) >= self.most_baits:
            return
        fd, inode = self.open_socket()
        order = self.rng.choices("BUR", (88, 6, 6))[0]
        self.baits[inode] = Bait(fd, order)
        self.diary.write(diary.BAIT, fd, inode, order)
        with contextlib.suppress(OSError):
            # From here on the fd may be taken from us.
            self.connect(fd, order.encode())
            self._watch(fd, order)

    def _watch(self, fd: int, order: str) -> None:
        """Wait for the other end to close, and let the loop spin on it, in most cases."""
        wait = select.poll()
        wait.register(fd, select.POLLIN | select.POLLRDHUP)
        wait.poll(1000)
        if self.alone and order == "B" and self.rng.random() < 0.5:
            os.read(fd, 1)
        chance = self.rng.random()
        if chance < 0.95:
            self.epoll.register(fd, select.EPOLLIN | (select.EPOLLET if chance < 0.03 else 0))

    def _reap(self) -> None:
        for inode in list(self.baits):
            if socket_or_file(self.baits[inode].fd) != inode:
                self._vanished(inode)
        if self.baits and self.rng.random() < 0.5:
            inode = self.rng.choice(list(self.baits))
            if not lasting(inode) or self.rng.random() < IMPATIENCE:
                self.reap(inode)

    def vanished_from(self, fd: int) -> bool:
        """Whether a bait that was there is written down as gone, for which the judge wants to hear who took it."""
        found = [inode for inode, bait in self.baits.items() if bait.fd == fd]
        for inode in found:
            self._vanished(inode)
        return bool(found)

    def _vanished(self, inode: int) -> None:
        bait = self.baits.pop(inode)
        self.diary.write(diary.VANISHED, bait.fd, inode)
        with self.numbers.lock:
            self.numbers.drop_placeholder(bait.fd, inode)

    def _unread(self, bait: Bait) -> None:
        """What had arrived must be there still; the fd may be taken from us before we could read."""
        if bait.order == "U" and self.alone:
            with contextlib.suppress(OSError):
                heard = os.read(bait.fd, len(UNREAD))
                if heard not in {UNREAD, b""}:
                    self.fault(bait.fd, 0, f"unread bytes are {heard!r}")

    def _text(self) -> None:
        if len(self.texts) < self.most_files and self.rng.random() < 0.6:
            self._begin_text()
        for fd in list(self.texts):
            self._add_line(fd)
        if self.texts and self.rng.random() < 0.5:
            self._end_text(self.rng.choice(list(self.texts)))

    def _begin_text(self) -> None:
        self._files += 1
        path = f"{self.diary.path}.{os.getpid()}.{id(self)}.{self._files}"
        with self.numbers.lock:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            self.texts[fd] = Text(self.numbers.took(fd), path, [])

    def _add_line(self, fd: int) -> None:
        line = f"{fd} {time.monotonic_ns()} {self.rng.random()}\n".encode()
        self.texts[fd].lines.append(line)
        try:
            os.write(fd, line)
        except OSError as exc:
            self.fault(fd, self.texts[fd].inode, f"write to a file: {exc}")

    def _end_text(self, fd: int) -> None:
        """Close the file, and read it: what was written must be all there and nothing else."""
        text = self.texts.pop(fd)
        with self.numbers.lock:
            if not self.numbers.close(fd, text.inode):
                self.fault(fd, text.inode, "a file was closed before its time")
            with open(text.path, "rb") as stream:
                whole = stream.read() == b"".join(text.lines)
        if not whole:
            self.fault(fd, text.inode, "a file does not hold what was written")
        os.unlink(text.path)
