# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a :class:`_redis_conf_rewrite.Rewrite`: all of its files or none, each with a backup."""

from __future__ import annotations

import os
from typing import Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils import _redis_conf_files, _safe_file
from ansible_collections.closewait.remediation.plugins.module_utils._redis_conf import ConfError
from ansible_collections.closewait.remediation.plugins.module_utils._redis_conf_rewrite import Rewrite


class HalfWrittenError(Exception):
    """One file could not be written, and one that was could not be put back; the text names it and its copy."""


class Written(NamedTuple):
    """``backup`` None: the file did not exist before."""

    path: str
    backup: Optional[str]


def check_backup_folder(folder: str, tree: _redis_conf_files.Tree) -> None:
    """Raises ConfError when Redis would read a backup in that folder as configuration."""
    copy = os.path.join(os.path.realpath(folder), "etc_redis_redis.conf.20260101T000000.000000Z")
    for pattern in tree.patterns:
        resolved = os.path.join(os.path.realpath(os.path.dirname(pattern)), os.path.basename(pattern))
        if _redis_conf_files.matches(resolved, copy):
            raise ConfError("backups in %s would be read as configuration (include %s)" % (folder, pattern))


def write(main: str, rewrite: Rewrite, backup_folder: str) -> list[Written]:
    """Back up and replace every file. Raises ConfError or OSError, and then every file is as it was.

    Raises HalfWrittenError when they are not. A file that is no longer the text that the rewrite was made from is left
    as it is.
    """
    done: list[Written] = []
    try:
        # The main file goes last: it must never include a file that is not there yet.
        for path in sorted(rewrite.texts, key=lambda path: (path == main, path)):
            _check_unchanged(path, rewrite.old.get(path))
            copy = _safe_file.back_up(path, backup_folder) if os.path.exists(path) else None
            done.append(Written(path, copy))
            _safe_file.replace(path, _redis_conf_files.encoded(rewrite.texts[path]), path if copy else main)
    except (ConfError, OSError) as exc:
        _undo(done, rewrite.old, exc)
        raise
    return done


def _check_unchanged(path: str, before: Optional[str]) -> None:
    now = _redis_conf_files.read_text(path) if os.path.lexists(path) else None
    if now != before:
        raise ConfError("%s was changed by someone else in the meantime: run this again" % path)


def _undo(done: list[Written], old: Mapping[str, str], cause: Exception) -> None:
    stuck: list[str] = []
    for item in reversed(done):
        try:
            _put_back(item, old)
        except OSError as exc:
            stuck.append("%s (its copy: %s): %s" % (item.path, item.backup, exc.strerror))
    if stuck:
        raise HalfWrittenError("%s; and could not be put back: %s" % (cause, ", ".join(stuck))) from cause


def _put_back(item: Written, old: Mapping[str, str]) -> None:
    if item.backup is not None:
        _safe_file.replace(item.path, _redis_conf_files.encoded(old[item.path]), item.path)
    elif os.path.exists(item.path):
        os.unlink(item.path)
