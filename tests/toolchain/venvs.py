# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments in the cache, one per purpose and content of its requirements."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from typing import TYPE_CHECKING

from .layout import REQUIREMENTS, cache_dir

if TYPE_CHECKING:
    from pathlib import Path

    from .interpreters import Interpreter


class VenvError(Exception):
    """A virtual environment could not be made; the text says why and what to do."""


def location(purpose: str, interpreter: Interpreter) -> Path:
    """Return the ``bin`` directory of the environment ``requirements/PURPOSE.txt`` asks for, made or not.

    An environment is named by its purpose, its Python and a hash of its requirements.
    """
    requirements = REQUIREMENTS / f"{purpose}.txt"
    key = f"{interpreter.path}\n{requirements.read_text()}"
    name = f"{_kind(purpose, interpreter)}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    return cache_dir() / "venvs" / name / "bin"


def _kind(purpose: str, interpreter: Interpreter) -> str:
    return f"{purpose}-py{interpreter.version[0]}.{interpreter.version[1]}"


def ensure(purpose: str, interpreter: Interpreter) -> Path:
    """Return the ``bin`` directory of the environment, made when missing, in place of older ones of its kind."""
    bin_dir = location(purpose, interpreter)
    venv = bin_dir.parent
    marker = venv / "complete"
    if not marker.exists():
        for old in venv.parent.glob(f"{_kind(purpose, interpreter)}-*"):
            shutil.rmtree(old)
        _create(venv, interpreter)
        _install(venv, REQUIREMENTS / f"{purpose}.txt")
        marker.touch()
    return bin_dir


def _create(venv: Path, interpreter: Interpreter) -> None:
    print(f"creating {venv.name}", flush=True)
    venv.parent.mkdir(parents=True, exist_ok=True)
    if not interpreter.has_ensurepip:
        raise VenvError(
            f"{interpreter.path} cannot create virtual environments; on Debian: apt-get install python3-venv"
        )
    _run([str(interpreter.path), "-m", "venv", str(venv)])


def _install(venv: Path, requirements: Path) -> None:
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run([*pip, "--requirement", str(requirements)])


def _run(argv: list[str]) -> None:
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise VenvError(f"{' '.join(argv)} ended with {run.returncode}:\n{run.stdout}{run.stderr}")
