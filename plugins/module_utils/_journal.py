# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal of JSON lines (https://jsonlines.org) that root keeps on the host: appended, synced, rotated by size.

It is written by root in a folder for root alone, and nobody else may have a hand in where it leads: no symbolic link,
no folder and no file of somebody else is accepted, at any place of the path.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from typing import Any, Iterable, Iterator, Mapping

#: Above this size the file becomes FILE.1, that one FILE.2, and so on; the oldest is dropped.
MAX_BYTES = 10 << 20
KEEP = 5
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class JournalError(OSError):
    """It cannot be written; the text says why and names the file."""


class Journal:
    """One file. Nothing is kept open between two writes, so that it may be moved away, and others may write too."""

    def __init__(self, path: str, max_bytes: int = MAX_BYTES, keep: int = KEEP) -> None:
        """``path`` is absolute. Nothing is touched yet."""
        self._path = path
        self._folder, self._name = os.path.split(path)
        self._max_bytes = max_bytes
        self._keep = keep

    def write(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Append a line for each, all of them on the disk before it returns. Raises :class:`JournalError`."""
        text = "".join(json.dumps(entry, sort_keys=True) + "\n" for entry in entries)
        try:
            with self._opened_folder() as folder, self._locked(folder):
                self._rotate(folder)
                self._append(folder, text.encode("utf-8"))
        except OSError as exc:
            raise JournalError(exc.errno, "the journal %s cannot be written: %s" % (self._path, exc.strerror)) from exc

    @contextlib.contextmanager
    def _opened_folder(self) -> Iterator[int]:
        """Its folder, made with mode 0700 if need be, reached step by step."""
        if not os.path.isabs(self._path) or not self._name:
            raise OSError(0, "its path must be absolute and name a file")
        parts = [part for part in self._folder.split("/") if part]
        with contextlib.ExitStack() as stack:
            folder = os.open("/", _FOLDER_FLAGS)
            stack.callback(os.close, folder)
            for part in parts:
                folder = _step(folder, part)
                stack.callback(os.close, folder)
            _check(folder, self._folder)
            yield folder

    @contextlib.contextmanager
    def _locked(self, folder: int) -> Iterator[None]:
        """One writer at a time: two that rotate at once would lose lines."""
        fcntl.flock(folder, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(folder, fcntl.LOCK_UN)

    def _rotate(self, folder: int) -> None:
        try:
            size = os.stat(self._name, dir_fd=folder, follow_symlinks=False).st_size
        except FileNotFoundError:
            return
        if size < self._max_bytes:
            return
        names = [self._name, *("%s.%d" % (self._name, number) for number in range(1, self._keep + 1))]
        for newer, older in reversed(list(zip(names, names[1:]))):
            with contextlib.suppress(FileNotFoundError):
                os.rename(newer, older, src_dir_fd=folder, dst_dir_fd=folder)

    def _append(self, folder: int, data: bytes) -> None:
        file = os.open(self._name, _FILE_FLAGS | os.O_CREAT, 0o600, dir_fd=folder)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
                raise OSError(0, "it is not a file of our own")
            if stat.S_IMODE(found.st_mode) != 0o600:
                os.fchmod(file, 0o600)
            while data:
                data = data[os.write(file, data) :]
            os.fsync(file)
        finally:
            os.close(file)


def _step(folder: int, name: str) -> int:
    """Open a folder within a folder, made if missing. In a sticky one (like /tmp) what is ours stays ours."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=folder)
    inner = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
    found = os.fstat(inner)
    if found.st_uid not in (0, os.geteuid()) or (
        found.st_mode & _OTHERS_MAY_WRITE and not found.st_mode & stat.S_ISVTX
    ):
        os.close(inner)
        raise OSError(0, "others may write in the folder %s of its path, or own it" % name)
    return inner


def _check(folder: int, path: str) -> None:
    """The last folder is for us alone: a sticky one would let others plant a file."""
    if os.fstat(folder).st_mode & _OTHERS_MAY_WRITE:
        raise OSError(0, "others may write in its folder %s" % path)
