# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that remembers which hosts were looked at. Two events at once see it one after the other."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from ansible_collections.closewait.remediation.plugins.plugin_utils import _report_files
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import SCHEMA_VERSION
from ansible_collections.closewait.remediation.plugins.plugin_utils._events.admission import Look


class Looks(TypedDict):
    """The content of the file."""

    schema_version: int
    looks: list[Look]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else decides while the block runs. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read(path: Path) -> list[Look]:
    """What is remembered; nothing when there is no file yet. Raises OSError, and ValueError for any other content.

    A file that cannot be read is no reason to do all over again, so the caller must give up then.
    """
    try:
        document: Looks = _report_files.read(path.parent, path.name, Looks)
    except FileNotFoundError:
        return []
    return document["looks"]


def write(path: Path, looks: list[Look]) -> None:
    """Remember these and nothing else. Raises OSError."""
    _report_files.write(path.parent, path.name, Looks(schema_version=SCHEMA_VERSION, looks=looks))
