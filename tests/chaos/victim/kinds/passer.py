# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two processes: one passes baits and healthy connections to the other over a unix socket, and may close its own."""

from __future__ import annotations

import os
import select
import socket

from .. import diary, place
from ..fd_numbers import socket_or_file
from ..work import Healthy, Work
from .forker import reap
from .loop import Loop, looping

LONGEST_MS = 200
#: Share of its rounds in which something is passed, and of those in which a bait is then closed here.
OFTEN, MOVED = 0.06, 0.3


def run(given: place.Place) -> None:
    ours, theirs = socket.socketpair()
    load = looping(given)
    child = _fork(given, ours, theirs)
    load.numbers.took(ours.fileno())
    while given.go_on():
        load.round()
        if load.rng.random() < OFTEN:
            _pass_one(load, ours)
    del load.numbers.held[ours.fileno()]
    ours.close()
    reap(load, {child}, 0)
    place.last_words(load)


def _pass_one(load: Loop, channel: socket.socket) -> None:
    if load.rng.random() < 0.3 and load.healthy:
        fd = load.rng.choice(list(load.healthy))
        load.epoll.unregister(fd)
        socket.send_fds(channel, [b"H" + load.healthy[fd].secret], [fd])
        load.close_healthy(fd)
    elif load.baits:
        inode = load.rng.choice(list(load.baits))
        with load.numbers.lock:
            if socket_or_file(load.baits[inode].fd) == inode:
                load.diary.write(diary.SENT, load.baits[inode].fd, inode)
                # If it is taken from us right now, sending fails.
                _send_bait(load, channel, inode)


def _send_bait(load: Loop, channel: socket.socket, inode: int) -> None:
    try:
        socket.send_fds(channel, [b"B" + inode.to_bytes(8, "big")], [load.baits[inode].fd])
    except OSError:
        return
    if load.rng.random() < MOVED:
        load.reap(inode)


def _fork(given: place.Place, ours: socket.socket, theirs: socket.socket) -> int:
    born, pid = diary.forking(), os.fork()
    if pid == 0:
        ours.close()
        given.log.new_process()
        given.log.write(diary.BORN, note=born)
        _receive(given, theirs)
        os._exit(0)
    theirs.close()
    return pid


def _receive(given: place.Place, channel: socket.socket) -> None:
    load = given.alone()
    load.numbers.took(channel.fileno())
    while True:
        data, fds, _flags, _address = socket.recv_fds(channel, 9, 1)
        if not data:
            break
        load.numbers.took(fds[0])
        if data[:1] == b"H":
            _try_healthy(load, fds[0], data[1:])
        else:
            _keep_bait(load, fds[0], int.from_bytes(data[1:], "big"))
    place.last_words(load)


def _try_healthy(load: Work, fd: int, secret: bytes) -> None:
    load.healthy[fd] = Healthy(load.numbers.held[fd], secret)
    load.verify(fd)
    if fd in load.healthy:
        load.close_healthy(fd)


def _keep_bait(load: Work, fd: int, inode: int) -> None:
    """What arrived may be the placeholder of the bait: it was taken between the look and the sending."""
    real = load.numbers.held[fd] == inode
    if real:
        load.diary.write(diary.GOT, fd, inode)
    select.poll().poll(load.rng.randint(0, LONGEST_MS) if load.rng.random() < 0.2 else 0)
    if real:
        load.diary.write(diary.DROP, fd, inode)
    if not load.numbers.close(fd, load.numbers.held[fd]):
        load.numbers.drop_placeholder(fd, inode)
