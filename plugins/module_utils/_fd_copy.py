# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of another process's fds, held for an instant (pidfd_open(2), pidfd_getfd(2); Linux 5.6).

A copy is the very open file, whatever becomes of the number it was taken from: what is asked of it, and what is done
to its registrations, cannot hit another one.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
from typing import Iterator, Optional

_PIDFD_OPEN = 434
_PIDFD_GETFD = 438
#: Loaded once: a thousand fds are asked while their process stands still.
_LIBC = ctypes.CDLL(None, use_errno=True)


class Source:
    """A process to copy from. It names the process for good: once that has ended, there is nothing to copy."""

    def __init__(self, pid: int) -> None:
        """Raises OSError: ``ENOSYS`` on older kernels, ``ESRCH``, ``EPERM``."""
        self._pidfd = _call(_PIDFD_OPEN, pid, 0, 0)

    def close(self) -> None:
        """Let go of the process."""
        os.close(self._pidfd)

    @contextlib.contextmanager
    def copy(self, fd: int) -> Iterator[int]:
        """Our number of a copy. Raises OSError: ``EBADF`` when the number is not open, ``ESRCH``, ``EPERM``."""
        copy = _call(_PIDFD_GETFD, self._pidfd, fd, 0)
        try:
            yield copy
        finally:
            os.close(copy)

    @contextlib.contextmanager
    def numbered(self, fd: int) -> Iterator[int]:
        """The same, and meanwhile the copy also has that very number of ours. More copies can be taken meanwhile."""
        with self.copy(fd) as copy:
            self._make_way(fd)
            with numbered(copy, fd):
                yield copy

    def _make_way(self, number: int) -> None:
        """By what is asked for copies must not be what is set aside: nothing would be found in the process then."""
        if self._pidfd == number:
            self._pidfd = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 0)
            os.close(number)


def source(pid: int) -> Optional[Source]:
    """None when this kernel or our rights do not allow it, or the process is gone."""
    try:
        return Source(pid)
    except OSError:
        return None


@contextlib.contextmanager
def numbered(copy: int, number: int) -> Iterator[None]:
    """The copy also has that very number of ours inside the ``with`` block; what we have there comes back afterwards.

    Raises OSError when the number is beyond what we may have.
    """
    if copy == number:
        yield
        return
    ours = _set_aside(number)
    try:
        _allow(number)
        os.dup2(copy, number, inheritable=False)
        yield
    finally:
        _bring_back(ours, number)


def _set_aside(number: int) -> Optional[int]:
    try:
        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 0)
    except OSError:
        return None


def _bring_back(ours: Optional[int], number: int) -> None:
    if ours is None:
        with contextlib.suppress(OSError):
            os.close(number)
    else:
        os.dup2(ours, number, inheritable=number <= 2)
        os.close(ours)


def _allow(number: int) -> None:
    """Raise our own limit of open files where it is too low for that number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and number >= soft:
        limit = hard if hard == resource.RLIM_INFINITY else max(hard, number + 1)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (number + 1, limit))


def _call(number: int, *arguments: int) -> int:
    answer: int = _LIBC.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
