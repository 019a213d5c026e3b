# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why calls fail, as far as the host shows it: a file system without room, or a folder that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.progress import (
    FailingCall,
    ProcessProgress,
    WrittenFile,
)

#: Less than a block is no room for a line.
BLOCK_BYTES = 4096
NO_ROOM = ("ENOSPC", "EDQUOT")
NO_FOLDER = ("ENOENT", "ENOTDIR")
_MEANING = {
    "ENOSPC": "a file system is full",
    "EDQUOT": "a disk quota is used up",
    "EFBIG": "a file has reached the limit of its size",
    "EROFS": "a file system is mounted read-only",
    "EIO": "a device fails",
    "ENOENT": "it asks for a file or folder that is not there",
    "ENOTDIR": "it asks for a file below something that is no folder",
    "EACCES": "it lacks the right to a file",
    "EPERM": "it lacks a right",
    "EPIPE": "who reads what it writes is gone",
    "EBADF": "it uses a file descriptor that is closed",
    "EMFILE": "its limit of open files is reached",
    "ENFILE": "the system's limit of open files is reached",
    "ENOTCONN": "who it sends to is gone",
    "ECONNREFUSED": "who it sends to is gone",
}


class Ground(NamedTuple):
    """What is wrong, and what puts it right."""

    what: str
    remedy: str


def seen(progress: ProcessProgress, failing: list[FailingCall]) -> list[Ground]:
    """What the host shows of the ground; only what agrees with the calls that fail, where they are known."""
    codes = {call["errno"] for call in failing}
    found: list[Ground] = []
    if not codes or codes & {*NO_ROOM}:
        found += _full(progress)
    if not codes or codes & {*NO_FOLDER}:
        found += _missing(progress)
    return found


def meaning(failing: list[FailingCall]) -> str:
    """What the errors say by themselves."""
    texts = [_MEANING.get(call["errno"], f"{call['errno']} is answered") for call in failing]
    return "; ".join(dict.fromkeys(texts))


def without_room(progress: ProcessProgress) -> list[WrittenFile]:
    """Files open for writing on a file system without room."""
    return [
        file
        for file in progress["files"]
        if file["free_bytes"] is not None and file["free_bytes"] < BLOCK_BYTES and not file["deleted"]
    ]


def _full(progress: ProcessProgress) -> Iterator[Ground]:
    for file in without_room(progress):
        yield Ground(
            f"the file system of {file['path']} (fd {file['fd']}) is full",
            f"free space on the file system of {file['path']}",
        )


def _missing(progress: ProcessProgress) -> Iterator[Ground]:
    for row in progress["missing_folders"]:
        yield Ground(
            f"the folder {row['folder']} of {row['path']}, which its command line names, does not exist",
            f"make the folder {row['folder']} with the owner and mode it had",
        )
