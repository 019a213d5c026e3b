# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one nox session: ``python3 -m toolchain.nox_session SESSION [PYTHON]``.

Installing takes longer than most sessions, so it is left out where the session has passed before in the same
environment with the same requirements. A file in the environment's directory remembers that.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import cores, interpreters, venvs
from .layout import REQUIREMENTS, ROOT, cache_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENVIRONMENT = {
    "CI": "true",  # antsibull-nox's formatters reformat unless they run in CI
    "NO_COLOR": "1",
    # git answers nothing in a checkout that belongs to somebody else, and the tools ask it which files there are
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": str(ROOT),
}


def _fingerprint() -> str:
    """Return a hash over everything that says what a session installs."""
    files = [
        ROOT / "noxfile.py",
        ROOT / "antsibull-nox.toml",
        ROOT / "tests/unit/requirements.txt",
        *REQUIREMENTS.glob("*.txt"),
    ]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _environment_dir(session: str, python: str | None) -> Path:
    """Return where nox keeps the environment of that session (nox names it after session and forced Python)."""
    name = f"{session}-{python}" if python else session
    return cache_dir() / "nox" / name.replace(".", "-")


def run(session: str, python: str | None, arguments: Sequence[str] = ()) -> int:
    """Run the session, installing only what is not installed yet; return nox's exit status."""
    marker = _environment_dir(session, python) / f"installed-{_fingerprint()}"
    argv = [str(_nox()), f"--noxfile={ROOT / 'noxfile.py'}", "--nocolor", "--error-on-missing-interpreters"]
    argv += [f"--session={session}", "--reuse-existing-virtualenvs", *(["--no-install"] if marker.exists() else [])]
    argv += [f"--force-python={python}"] if python else []
    argv += ["--", *arguments] if arguments else []
    env = {**os.environ, **ENVIRONMENT, "PATH": f"{_nox().parent}{os.pathsep}{os.environ['PATH']}"}
    with _no_log_in_home():
        status = subprocess.run(argv, env=env, check=False).returncode
    if status == 0 and marker.parent.is_dir():
        marker.touch()
    return status


@contextlib.contextmanager
def _no_log_in_home() -> Iterator[None]:
    """Remove the log file that antsibull-docs makes in the home directory, unless there was one before."""
    log = Path.home() / "antsibull.log"
    existed = log.exists()
    yield
    if not existed:
        log.unlink(missing_ok=True)


def _nox() -> Path:
    newest = cores.newest_here()
    if newest is None:
        raise SystemExit(cores.NO_CORE)
    return venvs.location("nox", newest[1]) / "nox"


if __name__ == "__main__":
    os.environ["PATH"] = interpreters.path_with_all()
    raise SystemExit(run(sys.argv[1], sys.argv[2] if sys.argv[2:] else None, sys.argv[3:]))
