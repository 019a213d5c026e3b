# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and versions that Go, Java and Node.js leave in their own files. Files of a target are not trusted.

Sources: debug/buildinfo of Go, the ``release`` file of a Java home (JEP 223), Node's ``process.release.sourceUrl``.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import stat
import struct
from typing import IO, Iterator, Optional

_ELF64 = b"\x7fELF\x02\x01"
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_PT_LOAD, _PF_W = 1, 2
#: Where Go looks for it: near the start of the first writable segment, aligned to 16 bytes.
_GO_REACH = 64 * 1024
_GO_MAGIC = b"\xff Go buildinf:"
_GO_INLINE, _GO_VERSION_AT = 2, 32
_GO_VERSION = re.compile(rb"go(\d+\.\d+(?:\.\d+)?(?:(?:beta|rc)\d+)?)")
_GCCGO = re.compile(r"/libgo\.so(?:\.|$)")
_RELEASE_SIZE = 16 * 1024
_JAVA_VERSION = re.compile(rb'^JAVA_VERSION="([\w.+-]{1,64})"', re.MULTILINE)
_NODE = b"/node-v"
_NODE_VERSION = re.compile(rb"/node-v(\d{1,3}\.\d{1,3}\.\d{1,3})[.-]")


def is_go(exe: str, files: list[str]) -> bool:
    """Whether the executable has Go's build information, or the process has mapped the library of gccgo."""
    return _go_build_information(exe) is not None or any(_GCCGO.search(path) for path in files)


def go_version(exe: str) -> Optional[str]:
    """``1.19.8``; None for what was built before Go 1.18, or is not Go."""
    found = _go_build_information(exe)
    if found is None or len(found) <= _GO_VERSION_AT or not found[15] & _GO_INLINE:
        return None
    # One byte of length goes before it: no version is as long as 128 bytes.
    match = _GO_VERSION.match(found, _GO_VERSION_AT + 1)
    return match.group(1).decode("ascii") if match else None


def java_version(root: str, exe: str) -> Optional[str]:
    """``17.0.15``; ``exe`` is ``JAVA_HOME/bin/java`` as the process sees it, below ``root``."""
    home = os.path.dirname(os.path.dirname(exe))
    with contextlib.suppress(OSError, ValueError), _regular(root + os.path.join(home, "release")) as stream:
        match = _JAVA_VERSION.search(stream.read(_RELEASE_SIZE))
        return match.group(1).decode("ascii") if match else None
    return None


def node_version(exe: str) -> Optional[str]:
    """``20.20.2``."""
    with contextlib.suppress(OSError, ValueError), _regular(exe) as stream:
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as image:
            # find() first: over a hundred megabytes it is many times faster than the pattern.
            start = image.find(_NODE)
            match = _NODE_VERSION.match(image, start) if start >= 0 else None
            return match.group(1).decode("ascii") if match else None
    return None


def _go_build_information(exe: str) -> Optional[bytes]:
    """What follows the magic, the magic included."""
    with contextlib.suppress(OSError, ValueError, struct.error), _regular(exe) as stream:
        data = _writable_segment(stream)
        start = data.find(_GO_MAGIC)
        while start >= 0 and start % 16:
            start = data.find(_GO_MAGIC, start + 1)
        return data[start:] if start >= 0 else None
    return None


def _writable_segment(stream: IO[bytes]) -> bytes:
    """The start of the first writable segment of a 64-bit little-endian ELF file (elf(5)); empty for other files."""
    header = stream.read(64)
    if not header.startswith(_ELF64):
        return b""
    offset, size, count = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
    stream.seek(offset)
    table = stream.read(size * count)
    for number in range(count):
        kind, flags, start, _address, _physical, length, _memory, _align = _PROGRAM_HEADER.unpack_from(
            table, number * size
        )
        if kind == _PT_LOAD and flags & _PF_W:
            stream.seek(start)
            return stream.read(min(length, _GO_REACH))
    return b""


@contextlib.contextmanager
def _regular(path: str) -> Iterator[IO[bytes]]:
    """A regular file, open for reading; a FIFO in its place must not make us wait. Raises OSError."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as stream:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError("%s is not a regular file" % path)
        yield stream
