# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of files, and their replacement in one step with owner, mode and labels kept."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Optional


def back_up(path: str, folder: str) -> str:
    """Copy with owner, mode, times and labels into the folder, made with mode 0700 when missing; returns its path."""
    Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    copy = os.path.join(folder, "%s.%s" % (path.strip("/").replace("/", "_"), stamp))
    with open(path, "rb") as source:
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            shutil.copyfileobj(source, target)
            _like(path, copy)
            os.fsync(target.fileno())
    return copy


def replace(path: str, content: bytes, like: Optional[str]) -> None:
    """Put the content there in one step, with owner, mode, extended attributes and ACL of the file ``like``.

    Without ``like`` it is readable by all and writable by whoever runs this. A reader sees the old text
    or the new one, never a part. A symbolic link stays one: what it points to is replaced.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    # The leading dot keeps the unfinished file out of an include such as conf.d/*.
    descriptor, draft = tempfile.mkstemp(prefix=".%s." % name, dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            if like is None:
                os.fchmod(stream.fileno(), 0o644)
            else:
                _like(os.path.realpath(like), draft)
            os.fsync(stream.fileno())
        os.utime(draft)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
    _sync(folder)


def _like(model: str, path: str) -> None:
    state = os.stat(model)
    os.chown(path, state.st_uid, state.st_gid)
    shutil.copystat(model, path)


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
