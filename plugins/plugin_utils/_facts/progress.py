# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``progress`` subset: what the busiest processes got done. Lists of numbers have an entry per sub-window."""

from __future__ import annotations

from typing import TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import SourceError


class Io(TypedDict):
    """What ``/proc/PID/io`` counted: bytes and calls; a failed write is a call without bytes."""

    bytes_read: list[int]
    bytes_written: list[int]
    reads: list[int]
    writes: list[int]


class FailingCall(TypedDict):
    """A system call that failed in the same way so many times."""

    call: str
    errno: str
    count: int


class Calls(TypedDict):
    """System calls of the threads ``tids`` over ``seconds``: ``polls`` wait for events, ``moved`` moved data."""

    tids: list[int]
    seconds: float
    total: list[int]
    polls: list[int]
    moved: list[int]
    failing: list[int]
    failing_calls: list[FailingCall]
    failing_unlisted: int


class Connections(TypedDict):
    """TCP sockets of a process; ``sent_ago_s``: since it last sent on any of them."""

    listening: int
    waiting: int
    connected: int
    unread: int
    sent_ago_s: float | None


class Sockets(TypedDict):
    """Sockets of all kinds, and how many came and went; ``tcp`` is None where there is none or it was not asked."""

    held: int
    opened: int
    ended: int
    tcp: Connections | None


class WrittenFile(TypedDict):
    """A regular file open for writing; ``grown`` in bytes, ``free_bytes`` on its file system."""

    fd: int
    path: str
    deleted: bool
    size: int
    free_bytes: int | None
    grown: int | None


class MissingFolder(TypedDict):
    """A path on the command line whose folder does not exist."""

    path: str
    folder: str


class ProcessProgress(TypedDict):
    """One process; a part that could not be looked at is None, and ``errors`` says why."""

    pid: int
    start_time: int
    name: str
    io: Io | None
    calls: Calls | None
    sockets: Sockets | None
    files: list[WrittenFile]
    files_omitted: int
    missing_folders: list[MissingFolder]
    errors: list[SourceError]


class ProgressFacts(TypedDict):
    """The ``progress`` subset; ``subwindows``: how many parts of the window the lists are about."""

    errors: list[SourceError]
    window_s: float
    subwindows: int
    processes: list[ProcessProgress] | None
    omitted: int
