# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the Python interpreters of this machine.

A pyenv shim is no interpreter: it answers 127 when its version is not the selected one. So pyenv's versions are looked
up directly.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

Version = tuple[int, int]

PREFERRED: Version = (3, 12)  # every supported ansible-core runs on it


@dataclass(frozen=True)
class Interpreter:
    """A Python that starts. ``has_ensurepip``: can create a virtual environment with pip in it."""

    version: Version
    path: Path
    has_ensurepip: bool


def text(version: Version) -> str:
    """Return ``3.12`` for ``(3, 12)``."""
    return f"{version[0]}.{version[1]}"


def _managed_bins() -> list[Path]:
    """Return the ``bin`` directories of the versions that pyenv and uv keep, newest first."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local/share/uv/python")
    found = [*pyenv.glob("*/bin"), *uv.glob("cpython-*/bin")]
    return sorted(found, key=lambda path: _numbers(path.parent.name), reverse=True)


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", name))


def _probe(path: Path) -> Interpreter | None:
    """Return the interpreter at ``path``, or None when it does not start."""
    code = "import importlib.util as u, sys; print(*sys.version_info[:2], int(u.find_spec('ensurepip') is not None))"
    try:
        run = subprocess.run([str(path), "-c", code], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if run.returncode != 0:
        return None
    major, minor, ensurepip = (int(part) for part in run.stdout.split())
    return Interpreter((major, minor), path, bool(ensurepip))


@functools.cache
def find(version: Version) -> Interpreter | None:
    """Return a working interpreter of that version, one with ensurepip before one without; None when there is none."""
    directories = [*_managed_bins(), *(Path(entry) for entry in os.get_exec_path())]
    candidates = [entry / f"python{text(version)}" for entry in directories if entry.name != "shims"]
    fallback = None
    for found in filter(None, map(_probe, filter(Path.is_file, candidates))):
        if found.version == version and found.has_ensurepip:
            return found
        fallback = fallback or (found if found.version == version else None)
    return fallback


def path_with(versions: list[Version]) -> str:
    """Return a ``PATH`` on which ``python3.X`` of each version is the real interpreter, ahead of any shim."""
    found = [interpreter.path.parent for version in versions if (interpreter := find(version))]
    ahead = [str(directory) for directory in dict.fromkeys(found) if directory != Path("/usr/bin")]
    return os.pathsep.join([*ahead, *os.get_exec_path()])


def path_with_all() -> str:
    """Return a ``PATH`` on which every Python of this machine is the real one, ``python3`` the preferred one."""
    return path_with([PREFERRED, *((3, minor) for minor in range(15, 7, -1))])
