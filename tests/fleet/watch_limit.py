# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room for the inotify instances of many systemds: to the kernel they all are of one user (inotify(7))."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
_PER_HOST = 20
_SPARE = 128


@contextmanager
def raised(hosts: int) -> Iterator[None]:
    """The limit of the machine is high enough as long as the block, and then what it was."""
    before = int(LIMIT.read_text())
    wanted = _SPARE + _PER_HOST * hosts
    if before >= wanted:
        yield
        return
    LIMIT.write_text(str(wanted))
    try:
        yield
    finally:
        LIMIT.write_text(str(before))
