# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sampling counter left in its ring buffer (perf_event_open(2), "MMAP layout" and PERF_RECORD_SAMPLE). Pure.

The records here come from the tracepoint raw_syscalls:sys_exit with PERF_SAMPLE_RAW alone: a header of 8 bytes, the
size of the raw data, and the raw data: 8 bytes common to all tracepoints, the number of the call, and its answer.
"""

from __future__ import annotations

import struct
from typing import Iterator, NamedTuple

_HEADER = struct.Struct("IHH")
_SIZE = struct.Struct("I")
_EXIT = struct.Struct("qq")
_EXIT_OFFSET = 8
_SAMPLE = 9


class Answer(NamedTuple):
    """One system call: its number, and what the kernel answered (an error is a negative errno)."""

    number: int
    returned: int


def answers(data: bytes, tail: int, head: int) -> Iterator[Answer]:
    """The calls between two positions that only ever grow; ``data`` is the whole ring."""
    while tail + _HEADER.size <= head:
        kind, _misc, size = _HEADER.unpack(_cut(data, tail, _HEADER.size))
        if size < _HEADER.size:
            return
        if kind == _SAMPLE:
            raw = _cut(data, tail + _HEADER.size + _SIZE.size, size - _HEADER.size - _SIZE.size)
            yield Answer(*_EXIT.unpack_from(raw, _EXIT_OFFSET))
        tail += size


def _cut(data: bytes, position: int, length: int) -> bytes:
    """A piece that may begin at the end of the ring and go on at its start."""
    start = position % len(data)
    return data[start : start + length] + data[: max(0, start + length - len(data))]
