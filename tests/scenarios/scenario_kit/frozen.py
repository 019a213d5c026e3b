# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process frozen by its control group, as a paused container is (cgroups(7)): state D under v1, S under v2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .waiting import wait_for

_NAME = "closewait-hardships"


@dataclass(frozen=True)
class Freezer:
    """``root`` of a hierarchy, the file that freezes and what is written to it, and what says that it is frozen."""

    root: Path
    switch: str
    freeze: str
    thaw: str
    state: str
    frozen: str


def freezer(version: int) -> Freezer | None:
    """The hierarchy of that version; None where the machine has none that can freeze."""
    kind, option = ("cgroup", "freezer") if version == 1 else ("cgroup2", "")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _device, mounted, found, options = line.split()[:4]
        if found == kind and (not option or option in options.split(",")):
            if version == 1:
                return Freezer(Path(mounted), "freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN")
            return Freezer(Path(mounted), "cgroup.freeze", "1", "0", "cgroup.events", "frozen 1")
    return None


@contextmanager
def frozen(pid: int, by: Freezer) -> Iterator[None]:
    """Freeze a process for the length of the block, and take it back to the group it was in."""
    folder = by.root / _NAME
    folder.mkdir(exist_ok=True)
    try:
        (folder / "cgroup.procs").write_text(str(pid))
        (folder / by.switch).write_text(by.freeze)
        wait_for(lambda: is_frozen(by), 10, "the process to be frozen")
        yield
    finally:
        (folder / by.switch).write_text(by.thaw)
        (by.root / "cgroup.procs").write_text(str(pid))
        wait_for(lambda: _removed(folder), 10, "the control group to be empty")


def is_frozen(by: Freezer) -> bool:
    """Whether the group is frozen now."""
    return by.frozen in (by.root / _NAME / by.state).read_text()


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
