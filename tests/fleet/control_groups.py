# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control group for each booted host: its systemd keeps its services in there (cgroups(7)).

Both kinds of machine: one hierarchy (v2), or v1 with a hierarchy of systemd's beside a v2 one without controllers.
Which processes are limited by what is the machine's business: no controller is used.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

PREFIX = "closewait-fleet-"
_MOUNT = Path("/sys/fs/cgroup")
_REMOVED_WITHIN_S = 10.0


def _hierarchies() -> list[Path]:
    if (_MOUNT / "cgroup.controllers").exists():
        return [_MOUNT]
    return [path for path in (_MOUNT / "systemd", _MOUNT / "unified") if (path / "cgroup.procs").exists()]


def _groups(name: str) -> list[Path]:
    return [hierarchy / f"{PREFIX}{name}" for hierarchy in _hierarchies()]


def make(name: str) -> None:
    """The groups of a host, empty. Those that a killed run has left are used again."""
    if not _hierarchies():
        raise OSError(f"no control groups below {_MOUNT}")
    for group in _groups(name):
        group.mkdir(exist_ok=True)


def inside(name: str, argv: Sequence[str]) -> list[str]:
    """The argv that runs ``argv`` in the groups of a host."""
    script = "".join(f"echo $$ > {group}/cgroup.procs && " for group in _groups(name)) + 'exec "$@"'
    return ["sh", "-c", script, "sh", *argv]


def members(name: str) -> set[int]:
    """The processes in the groups of a host, and below; those of other PID namespaces are 0 and left out."""
    found: set[int] = set()
    for group in _groups(name):
        for procs in group.rglob("cgroup.procs"):
            with suppress(OSError):  # it is gone, or holds threads only
                found.update(int(word) for word in procs.read_text().split())
    return found - {0}


def remove(name: str) -> None:
    """End what is left in the groups of a host, and remove them; raises TimeoutError naming one that stays."""
    deadline = time.monotonic() + _REMOVED_WITHIN_S
    for group in _groups(name):
        while not _vanished(group):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{group} cannot be removed; in it: {sorted(members(name))}")
            for pid in members(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


def _vanished(group: Path) -> bool:
    for folder in [*_below(group), group]:
        with suppress(OSError):
            folder.rmdir()
    return not group.exists()


def _below(group: Path) -> Iterator[Path]:
    """Deepest first."""
    folders = [path for path in group.rglob("*") if path.is_dir()]
    yield from sorted(folders, key=lambda path: len(path.parts), reverse=True)


def sweep() -> None:
    """Remove the groups that a killed run has left; one with processes in it stays."""
    for group in left():
        _vanished(group)


def left() -> list[Path]:
    """Every group of any fleet that there is now."""
    return sorted(path for hierarchy in _hierarchies() for path in hierarchy.glob(f"{PREFIX}*"))
