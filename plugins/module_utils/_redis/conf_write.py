# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a :class:`conf_rewrite.Rewrite`: all of its files or none, each with a backup."""

from __future__ import annotations

import os

from ansible_collections.closewait.remediation.plugins.module_utils import _file_set
from ansible_collections.closewait.remediation.plugins.module_utils._file_set import HalfWrittenError, Written
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf_files as redis_conf_files
from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf import ConfError
from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf_rewrite import Rewrite

__all__ = ["HalfWrittenError", "Written", "check_backup_folder", "write"]


def check_backup_folder(folder: str, tree: redis_conf_files.Tree) -> None:
    """Raises ConfError when Redis would read a backup in that folder as configuration."""
    copy = os.path.join(os.path.realpath(folder), "etc_redis_redis.conf.20260101T000000.000000Z")
    for pattern in tree.patterns:
        resolved = os.path.join(os.path.realpath(os.path.dirname(pattern)), os.path.basename(pattern))
        if redis_conf_files.matches(resolved, copy):
            raise ConfError("backups in %s would be read as configuration (include %s)" % (folder, pattern))


def write(main: str, rewrite: Rewrite, backup_folder: str) -> list[Written]:
    """Back up and replace every file. Raises ConfError or OSError, and then every file is as it was.

    Raises HalfWrittenError when they are not. A file that is no longer the text that the rewrite was made from is left
    as it is.
    """
    # The main file goes last: it must never include a file that is not there yet.
    paths = sorted(rewrite.texts, key=lambda path: (path == main, path))
    try:
        return _file_set.write([_change(path, rewrite, main) for path in paths], backup_folder)
    except _file_set.ChangedError as exc:
        raise ConfError(str(exc)) from exc


def _change(path: str, rewrite: Rewrite, main: str) -> _file_set.Change:
    before = rewrite.old.get(path)
    known = None if before is None else redis_conf_files.encoded(before)
    return _file_set.Change(path, known, redis_conf_files.encoded(rewrite.texts[path]), main)
