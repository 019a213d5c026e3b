# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a log file, bounded, whoever may write to it."""

from __future__ import annotations

import os
import stat


def read(path: str, limit: int) -> str:
    """The last whole lines of at most ``limit`` bytes. Raises OSError, also for what is no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("%s is no regular file" % path)
        start = max(0, found.st_size - limit)
        data = os.pread(descriptor, limit, start)
    finally:
        os.close(descriptor)
    if start:
        data = data[data.find(b"\n") + 1 :]
    return data.decode("utf-8", "replace")
