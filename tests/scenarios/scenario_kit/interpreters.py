# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the CPythons of this machine that can build a virtual environment."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROBE = "import sys, ensurepip, venv; print('%d.%d.%d' % sys.version_info[:3]); print(sys.implementation.name)"
_NAME = re.compile(r"^python3\.\d+$")


@dataclass(frozen=True, order=True)
class Interpreter:
    """A CPython: its version and the path it was found at."""

    version: tuple[int, int, int]
    path: Path


def _folders() -> Iterator[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob("versions/*/bin"))
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        yield Path(entry or ".")


def _probe(path: Path) -> Interpreter | None:
    # A pyenv shim without a selected version exits with 127; Debian's python3 may lack ensurepip.
    try:
        run = subprocess.run([path, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version, implementation = run.stdout.split()
    if implementation != "cpython":
        return None
    major, minor, patch = (int(part) for part in version.split("."))
    return Interpreter((major, minor, patch), path)


def find_interpreters() -> list[Interpreter]:
    """All usable CPythons 3.x, newest first."""
    candidates: dict[Path, Path] = {}
    for folder in _folders():
        for path in folder.glob("python3.*") if folder.is_dir() else ():
            if _NAME.match(path.name):
                candidates.setdefault(path.resolve(), path)
    return sorted(filter(None, map(_probe, candidates.values())), reverse=True)


def newest_interpreter(lowest: tuple[int, int], below: tuple[int, int]) -> Interpreter:
    """The newest CPython with ``lowest`` <= version < ``below``; raises LookupError when there is none."""
    for interpreter in find_interpreters():
        if lowest <= interpreter.version[:2] < below:
            return interpreter
    raise LookupError(f"no CPython from {lowest[0]}.{lowest[1]} up to below {below[0]}.{below[1]} that has ensurepip")
