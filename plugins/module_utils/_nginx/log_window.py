# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of an access log, from a moment on: found without reading what is before, and in memory of one line.

Lines stand in the order in which requests ended, give or take what workers buffer (``buffer=``, ``flush=``).
"""

from __future__ import annotations

import errno
import glob
import gzip
import os
from typing import IO, Callable, Dict, Iterator, List, NamedTuple, Optional

#: Seconds by which lines may be out of order.
_DISORDER_S = 10.0
_BLOCK = 1 << 16
#: No line of nginx is longer: it is cut there, and belongs to no format then.
_LONGEST_LINE = 1 << 16
#: How much more is in a compressed log than its size says, at a guess on the high side.
_RATIO = 12
_GZIPPED = ".gz"
_UNREAD = (".zst", ".bz2", ".xz")

When = Callable[[str], Optional[float]]


class Part(NamedTuple):
    """A file of the log, from ``offset`` to ``end``; of a compressed one all. ``inode``: what the path was then."""

    path: str
    offset: int
    end: int
    inode: int

    @property
    def compressed(self) -> bool:
        """Whether it is gzipped."""
        return self.path.endswith(_GZIPPED)

    @property
    def size(self) -> int:
        """Bytes to read; for a compressed one a guess."""
        return (self.end - self.offset) * (_RATIO if self.compressed else 1)


class Window(NamedTuple):
    """``parts``: oldest first. ``cut``: why not all of the window is in them; None when it is."""

    parts: List[Part]
    cut: Optional[str]


def window(path: str, start: float, most: int, when: When) -> Window:
    """What has to be read for all lines since ``start`` (seconds since the epoch), up to ``most`` bytes.

    Raises OSError when the log itself cannot be read.
    """
    taken: List[Part] = []
    left = most
    for name in [path, *_older(path)]:
        stat = os.stat(name)
        if taken and stat.st_mtime < start:
            break
        if name.endswith(_UNREAD):
            return Window(taken[::-1], "%s is compressed in a way that is not read" % name)
        part = _part(name, stat, start - _DISORDER_S, when)
        if part.size > left:
            cut = [] if part.compressed else [part._replace(offset=part.end - left)]
            return Window([*cut, *taken[::-1]], "%s is read no further back: max_bytes is %d" % (name, most))
        taken.append(part)
        left -= part.size
        if part.offset > 0:
            break
    return Window(taken[::-1], None)


def _part(path: str, stat: os.stat_result, start: float, when: When) -> Part:
    whole = Part(path, 0, stat.st_size, stat.st_ino)
    return whole if whole.compressed else whole._replace(offset=_first_since(path, stat.st_size, start, when))


def lines(part: Part) -> Iterator[str]:
    """The whole lines of a part. Raises OSError, EOFError for a compressed file that is broken."""
    with _opened(part) as stream:
        if os.fstat(stream.fileno()).st_ino != part.inode:
            raise OSError(errno.ESTALE, "the log was rotated meanwhile; look again", part.path)
        stream.seek(part.offset)
        # The line that the offset lies in began before it.
        at = part.offset + len(stream.readline(_LONGEST_LINE)) if part.offset else 0
        while part.compressed or at < part.end:
            line = stream.readline(_LONGEST_LINE)
            at += len(line)
            # What nginx is just writing comes without an end.
            if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
                return
            yield line.decode("utf-8", "replace")


def _opened(part: Part) -> IO[bytes]:
    return gzip.open(part.path, "rb") if part.compressed else open(part.path, "rb")  # type: ignore[return-value]


def _older(path: str) -> List[str]:
    """Older files of the log as logrotate(8) names them (``.1``, ``.2.gz``, ``-20260103.gz``), the newest first."""
    found: Dict[str, float] = {}
    for name in glob.glob("%s[.-]*" % glob.escape(path)):
        stem, suffix = os.path.splitext(name[len(path) + 1 :])
        number = stem if suffix in (_GZIPPED, *_UNREAD) else stem + suffix
        if number.replace("-", "").isdigit():
            found[name] = os.stat(name).st_mtime
    return sorted(found, key=lambda name: -found[name])


def _first_since(path: str, size: int, start: float, when: When) -> int:
    """An offset before the first line since ``start`` and not far before it, by halving."""
    low, high = 0, size
    with open(path, "rb") as stream:
        while high - low > _BLOCK:
            middle = (low + high) // 2
            stream.seek(middle)
            time = _next_time(stream, when)
            if time is None or time >= start:
                high = middle
            else:
                low = middle
    return low


def _next_time(stream: IO[bytes], when: When) -> Optional[float]:
    """The time of the next whole line that has one, within a block."""
    stream.readline(_LONGEST_LINE)
    left = _BLOCK
    while left > 0:
        line = stream.readline(_LONGEST_LINE)
        if not line:
            return None
        left -= len(line)
        time = when(line.decode("utf-8", "replace"))
        if time is not None:
            return time
    return None
