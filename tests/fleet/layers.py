# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the hosts: for each a writable layer in memory over one tree that all share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .command import CommandError, run

PREFIX = "closewait-fleet-"
_LIMIT = "size=50%"  # of the machine's memory; what is not written is not used


@contextmanager
def layers(names: Sequence[str], lower: Path) -> Iterator[Path]:
    """A folder in memory, with ``NAME/root`` for each host, as long as the block."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        place = Path(folder)
        run(["mount", "-t", "tmpfs", "-o", f"mode=755,{_LIMIT}", "closewait", place])
        try:
            for name in names:
                _overlay(place / name, lower)
            yield place
        finally:
            _unmount(place)


def _overlay(place: Path, lower: Path) -> None:
    for part in ("upper", "work", "root"):
        (place / part).mkdir(parents=True)
    options = f"lowerdir={lower},upperdir={place}/upper,workdir={place}/work"
    run(["mount", "-t", "overlay", "-o", options, "closewait", place / "root"])


def _unmount(place: Path) -> None:
    try:
        run(["umount", "--recursive", place])
    except CommandError:
        # Somebody still stands in it, such as a process in state D: it goes when that does.
        run(["umount", "--recursive", "--lazy", place])
