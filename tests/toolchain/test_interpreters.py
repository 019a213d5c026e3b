# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interpreters are what starts, not what is called so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from ansible_collections.closewait.remediation.tests.toolchain import interpreters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Leave of the machine an empty ``PATH``, and neither pyenv nor uv."""
    for name in ("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    interpreters.find.cache_clear()
    yield
    interpreters.find.cache_clear()


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_shim_that_does_not_start_is_no_interpreter(tmp_path: Path) -> None:
    script(tmp_path / "PATH" / "python3.9", "exit 127")
    assert interpreters.find((3, 9)) is None


def test_a_name_does_not_make_the_version(tmp_path: Path) -> None:
    script(tmp_path / "PATH" / "python3.9", f'exec {sys.executable} "$@"')
    assert interpreters.find((3, 9)) is None


def test_a_kept_version_comes_before_a_shim(tmp_path: Path) -> None:
    version = sys.version_info[0], sys.version_info[1]
    name = f"python{interpreters.text(version)}"
    script(tmp_path / "PATH" / name, "exit 127")
    kept = script(tmp_path / "PYENV_ROOT" / "versions" / "3.99.1" / "bin" / name, f'exec {sys.executable} "$@"')
    found = interpreters.find(version)
    assert found is not None
    assert found.path == kept
    assert interpreters.path_with([version]).startswith(f"{kept.parent}:")
