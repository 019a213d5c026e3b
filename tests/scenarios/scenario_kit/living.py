# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that may end while one looks at them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def pids() -> Iterator[int]:
    """Every process of this PID namespace."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def session(leader: int) -> list[int]:
    """Those that belong to the session of that leader."""
    found = []
    for pid in pids():
        with suppress(ProcessLookupError):
            if os.getsid(pid) == leader:
                found.append(pid)
    return found


def words(pid: int) -> list[str]:
    """Its command line; empty when it has none, or is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
    return []
