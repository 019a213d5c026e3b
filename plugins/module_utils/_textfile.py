# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file for the textfile collector of node_exporter, which may read it at any moment."""

from __future__ import annotations

import os
import tempfile
from typing import Optional

SUFFIX = ".prom"


def read(path: str) -> Optional[bytes]:
    """What is in the file that the path names itself; None when there is none, or a symbolic link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def is_readable_by_all(path: str) -> bool:
    """Whether the collector, which is another user, may read it."""
    return os.lstat(path).st_mode & 0o7777 == 0o644


def write(path: str, content: bytes) -> None:
    """Put the content there in one step, readable by all from the first moment.

    The folder often belongs to another user, so a symbolic link in it is replaced and never followed. The draft does
    not end in ``.prom``, or it would be collected too. Raises OSError.
    """
    folder, name = os.path.split(path)
    descriptor, draft = tempfile.mkstemp(prefix=".%s." % name, dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), 0o644)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
