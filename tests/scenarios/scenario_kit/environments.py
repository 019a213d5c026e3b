# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments in a cache, each keyed by its requirements and its interpreter."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .interpreters import Interpreter

_COMPLETE = "complete"


def cache_directory(repository: Path) -> Path:
    """``$CLOSEWAIT_CACHE``, or ``.cache`` in the repository root."""
    path = Path(os.environ.get("CLOSEWAIT_CACHE") or repository / ".cache").resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(target: Path, requirements: Path, interpreter: Interpreter) -> None:
    # Only a complete environment carries the mark, so an interrupted build is never reused.
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run([interpreter.path, "-m", "venv", target], check=True)
    subprocess.run(
        [target / "bin/python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", requirements],
        check=True,
    )
    (target / _COMPLETE).touch()


def ensure_environment(name: str, requirements: Path, interpreter: Interpreter, cache: Path) -> Path:
    """The ``bin/python`` of an environment that holds ``requirements``; built when the cache has none."""
    key = hashlib.sha256(f"{interpreter}\n{requirements.read_text()}".encode()).hexdigest()[:12]
    target = cache / f"scenario-{name}-{key}"
    with _exclusive(cache / f"scenario-{name}-{key}.lock"):
        if not (target / _COMPLETE).exists():
            _build(target, requirements, interpreter)
    return target / "bin/python"
