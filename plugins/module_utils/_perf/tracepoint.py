# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number by which the kernel knows a tracepoint, from tracefs (Documentation/trace/events.rst)."""

from __future__ import annotations

import ctypes
import os

#: systemd mounts the first; the second is where it was before Linux 4.1, and still is with debugfs.
PLACES = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_NAME = "events/raw_syscalls/sys_exit/id"
_CLONE_NEWNS = 0x00020000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000


def sys_exit(places: tuple[str, ...] = PLACES) -> int:
    """Number of raw_syscalls:sys_exit. Raises OSError where the kernel has it not or does not show it."""
    for place in places:
        try:
            return _read(place)
        except FileNotFoundError:
            continue
    return _read_privately(places[0])


def _read(place: str) -> int:
    with open("%s/%s" % (place, _NAME), encoding="ascii") as stream:
        return int(stream.read())


def _read_privately(place: str) -> int:
    """Where tracefs is not mounted: by a child in a mount namespace of its own, so that the host's mounts stay."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os._exit(_tell(theirs, place))
    os.close(theirs)
    with os.fdopen(ours, "r", encoding="ascii") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    number, _blank, failure = text.partition(" ")
    if not number.isdigit() or failure:
        code = int(failure or 0)
        raise OSError(code, "%s (tracefs cannot be mounted)" % os.strerror(code))
    return int(number)


def _tell(pipe: int, place: str) -> int:
    try:
        _mount(place)
        text = str(_read(place))
    except OSError as exc:
        text = "- %d" % (exc.errno or 0)
    os.write(pipe, text.encode("ascii"))
    return 0


def _mount(place: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for code in (
        libc.unshare(_CLONE_NEWNS),
        libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None),
        libc.mount(b"closewait", place.encode(), b"tracefs", ctypes.c_ulong(0), None),
    ):
        if code:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
