# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a set of files: all of them or none, each with a copy of what was there before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterable, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _safe_file


class ChangedError(Exception):
    """A file is not any more what the change was made from; the text names it. Nothing was written."""


class HalfWrittenError(Exception):
    """One file could not be written, and one that was could not be put back; the text names it and its copy."""


class Change(NamedTuple):
    """One file. ``before`` None: it must not exist yet; ``after`` None: it is removed.

    ``like``: the file whose owner, mode and labels a new file gets. None: mode 0644 and whoever runs this.
    """

    path: str
    before: Optional[bytes]
    after: Optional[bytes]
    like: Optional[str]


class Written(NamedTuple):
    """``backup`` None: the file did not exist before."""

    path: str
    backup: Optional[str]


def content(path: str) -> Optional[bytes]:
    """What the file holds, None when there is no such file. Raises OSError, also for a link that leads nowhere."""
    if not os.path.lexists(path):
        return None
    return Path(path).read_bytes()


def write(changes: Iterable[Change], backup_folder: str) -> list[Written]:
    """Back up and replace, in the given order: a file that includes others goes last.

    Raises ChangedError or OSError, and then every file is as it was; HalfWrittenError when they are not.
    """
    done: list[tuple[Change, Written]] = []
    try:
        for change in changes:
            _check_unchanged(change)
            copy = None if change.before is None else _safe_file.back_up(change.path, backup_folder)
            done.append((change, Written(change.path, copy)))
            _apply(change)
    except (ChangedError, OSError) as exc:
        _undo(done, exc)
        raise
    return [written for _change, written in done]


def _check_unchanged(change: Change) -> None:
    if content(change.path) != change.before:
        raise ChangedError("%s was changed by someone else in the meantime: run this again" % change.path)


def _apply(change: Change) -> None:
    if change.after is None:
        os.unlink(change.path)
    else:
        _safe_file.replace(change.path, change.after, change.like if change.before is None else change.path)


def _undo(done: list[tuple[Change, Written]], cause: Exception) -> None:
    stuck: list[str] = []
    for change, written in reversed(done):
        try:
            _put_back(change, written)
        except OSError as exc:
            stuck.append("%s (its copy: %s): %s" % (written.path, written.backup, exc.strerror))
    if stuck:
        raise HalfWrittenError("%s; and could not be put back: %s" % (cause, ", ".join(stuck))) from cause


def _put_back(change: Change, written: Written) -> None:
    if change.before is not None:
        model = change.path if os.path.exists(change.path) else written.backup
        _safe_file.replace(change.path, change.before, model)
    elif os.path.lexists(change.path):
        os.unlink(change.path)
