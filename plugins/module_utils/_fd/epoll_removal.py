# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registrations taken out of a process's epoll sets, and put back, from outside: nothing has to be stopped for it.

The kernel knows a registration by the open file and the number under which it was added (fs/eventpoll.c,
``struct epoll_filefd``). With copies of both files, and the number for the time of the call, it can be removed by
anybody who may trace the process, and only this very one can be hit.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
from typing import Iterable, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils import _fd_copy

_ADD = 1
_DEL = 2
_LINE = re.compile(
    r"^tfd:\s*(\d+)\s+events:\s*([0-9a-f]+)\s+data:\s*([0-9a-f]+)\s+pos:\S+\s+ino:([0-9a-f]+)", re.MULTILINE
)
#: Not registered there, or not an epoll instance (any more).
_NOT_THERE = (errno.ENOENT, errno.EINVAL, errno.EBADF, errno.ESRCH)
_LIBC = ctypes.CDLL(None, use_errno=True)


class Registration(NamedTuple):
    """A registration with all that is needed to put it back; ``events`` None: not known, it was made since."""

    epoll_fd: int
    events: Optional[int]
    data: int


class _Event(ctypes.Structure):
    """``struct epoll_event``, which is packed on x86-64 (epoll_ctl(2))."""

    _pack_ = 1
    _fields_ = [("events", ctypes.c_uint32), ("data", ctypes.c_uint64)]


def parse(epoll_fd: int, fdinfo: str) -> Iterator[Tuple[Tuple[int, int], Registration]]:
    """(number, inode) and registration for all that is in the text of an epoll fd's fdinfo (Linux 4.13)."""
    for number, events, data, inode in _LINE.findall(fdinfo):
        yield (int(number), int(inode, 16)), Registration(epoll_fd, int(events, 16), int(data, 16))


def remove(
    source: _fd_copy.Source, fd: int, inode: int, epolls: Iterable[int], known: Iterable[Registration]
) -> List[Registration]:
    """Take the number out of these epoll sets, where it is registered for this very socket; returns what was removed.

    Raises OSError when it cannot be done from here.
    """
    by_epoll = {registration.epoll_fd: registration for registration in known}
    try:
        with source.numbered(fd) as copy:
            if os.fstat(copy).st_ino != inode:
                return []
            gone = [epoll_fd for epoll_fd in epolls if _control(source, epoll_fd, _DEL, fd, None)]
    except OSError as exc:
        # The number, or the process, has gone meanwhile, and with it the registration.
        if exc.errno in (errno.EBADF, errno.ESRCH):
            return []
        raise
    return [by_epoll.get(epoll_fd, Registration(epoll_fd, None, 0)) for epoll_fd in gone]


def put_back(source: _fd_copy.Source, fd: int, inode: int, removed: Iterable[Registration]) -> List[Registration]:
    """Register again as it was; returns what could not be put back."""
    left = list(removed)
    try:
        with source.numbered(fd) as copy:
            if os.fstat(copy).st_ino == inode:
                left = [one for one in left if not _add(source, fd, one)]
    except OSError:
        pass
    return left


def _add(source: _fd_copy.Source, fd: int, removed: Registration) -> bool:
    if removed.events is None:
        return False
    event = _Event(removed.events, removed.data)
    try:
        return _control(source, removed.epoll_fd, _ADD, fd, event)
    except OSError as exc:
        # The program has registered it anew by itself.
        return exc.errno == errno.EEXIST


def _control(source: _fd_copy.Source, epoll_fd: int, operation: int, fd: int, event: Optional[_Event]) -> bool:
    """``epoll_ctl(2)``; False when there is no such registration or epoll instance."""
    try:
        with source.copy(epoll_fd) as epoll:
            pointer = None if event is None else ctypes.byref(event)
            if _LIBC.epoll_ctl(epoll, operation, fd, pointer) == 0:
                return True
            code = ctypes.get_errno()
    except OSError as exc:
        code = exc.errno or 0
    if code in _NOT_THERE:
        return False
    raise OSError(code, "epoll_ctl: %s" % os.strerror(code))
