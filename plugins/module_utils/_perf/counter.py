# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One counter on the answers of a thread's system calls (perf_event_open(2)): the kernel counts, the thread runs on."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import struct
from typing import List, Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._perf import ring

_NUMBER = {"x86_64": 298, "aarch64": 241}
_LIBC = ctypes.CDLL(None, use_errno=True)
#: struct perf_event_attr up to ``config1`` (PERF_ATTR_SIZE_VER0).
_ATTR = struct.Struct("IIQQQQQIIQ")
_TRACEPOINT = 2
_SAMPLE_RAW = 1 << 10
_DISABLED = 1
_CLOEXEC = 8
_ENABLE, _SET_FILTER = 0x2400, 0x40082406
_HEAD, _TAIL = 1024, 1032
_POSITION = struct.Struct("Q")
#: A power of two. A record of a call has 40 bytes, so it has room for 819 between two looks.
RING_PAGES = 8


class Counter:
    """Counts the calls of one thread whose answer passes ``filter_`` (Documentation/trace/events.rst).

    Raises OSError.
    """

    _PERIOD, _SAMPLE_TYPE = 0, 0

    def __init__(self, tracepoint: int, tid: int, filter_: str) -> None:
        self._fd = _open(_ATTR.pack(*self._attributes(tracepoint)), tid)
        try:
            self._prepare(filter_)
            _ioctl(self._fd, _ENABLE, None)
        except OSError:
            self.close()
            raise

    def _attributes(self, tracepoint: int) -> Tuple[int, ...]:
        return (_TRACEPOINT, _ATTR.size, tracepoint, self._PERIOD, self._SAMPLE_TYPE, 0, _DISABLED, 0, 0, 0)

    def _prepare(self, filter_: str) -> None:
        if filter_:
            _ioctl(self._fd, _SET_FILTER, ctypes.create_string_buffer(filter_.encode("ascii")))

    def count(self) -> int:
        """Calls so far, exact."""
        return int(_POSITION.unpack(os.read(self._fd, _POSITION.size))[0])

    def close(self) -> None:
        """Count no more."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Sampler(Counter):
    """A counter that also keeps the calls themselves, as many as its ring has room for."""

    _PERIOD, _SAMPLE_TYPE = 1, _SAMPLE_RAW
    _ring: Optional[mmap.mmap] = None

    def _prepare(self, filter_: str) -> None:
        super()._prepare(filter_)
        length = (1 + RING_PAGES) * mmap.PAGESIZE
        self._ring = mmap.mmap(self._fd, length, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)

    def take(self) -> List[ring.Answer]:
        """The calls that were kept since the last look; makes room for others."""
        if self._ring is None:
            return []
        head = int(_POSITION.unpack_from(self._ring, _HEAD)[0])
        tail = int(_POSITION.unpack_from(self._ring, _TAIL)[0])
        found = [*ring.answers(self._ring[mmap.PAGESIZE :], tail, head)]
        _POSITION.pack_into(self._ring, _TAIL, head)
        return found

    def close(self) -> None:
        """Count and keep no more. The mapping holds a copy of the fd."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        super().close()


def _open(attr: bytes, tid: int) -> int:
    number = _NUMBER.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, "the number of perf_event_open is not known on %s" % platform.machine())
    fd = int(_LIBC.syscall(number, ctypes.create_string_buffer(attr, len(attr)), tid, -1, -1, _CLOEXEC))
    return fd if fd >= 0 else _fail()


def _ioctl(fd: int, request: int, argument: object) -> None:
    if _LIBC.ioctl(fd, ctypes.c_ulong(request), argument):
        _fail()


def _fail() -> int:
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))
