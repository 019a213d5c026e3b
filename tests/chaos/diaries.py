# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what victims wrote down, see :mod:`chaos.victim.diary`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Event(NamedTuple):
    """``time`` in monotonic ns."""

    time: int
    pid: int
    start_time: int
    name: str
    fd: int
    inode: int
    note: str


def read(path: Path) -> list[Event]:
    """All whole lines."""
    lines = path.read_text().splitlines(keepends=True)
    return [parse(line) for line in lines if line.endswith("\n")]


def parse(line: str) -> Event:
    """One line."""
    moment, pid, start_time, name, fd, inode, note = line.split()
    return Event(int(moment), int(pid), int(start_time), name, int(fd), int(inode), note)
