# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code out of zip files is kept, and nothing but the same source ever gets it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from ansible_collections.closewait.remediation.tests.toolchain import zip_bytecode

if TYPE_CHECKING:
    from pathlib import Path

# Counts what is compiled, and then runs as a module would: out of the zip file that comes first on the path.
RUN = """
import sys, zipimport
compiled = []
hook = zipimport._compile_source
inner = next(cell.cell_contents for cell in hook.__closure__)
def counted(path, source, *rest):
    compiled.append(path)
    return inner(path, source, *rest)
hook.__closure__[0].cell_contents = counted
sys.path.insert(0, sys.argv[1])
import part
print(len(compiled), part.VALUE, part.where())
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment in which code is kept."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    zip_bytecode.install(venv / "bin" / "python")
    return venv / "bin" / "python"


def _zip(path: Path, value: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("part.py", f"VALUE = {value}\ndef where():\n    return where.__code__.co_filename\n")
    return path


def _run(python: Path, archive: Path) -> list[str]:
    argv = [str(python), "-c", RUN, str(archive)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


def test_the_same_source_is_compiled_once_and_knows_where_it_is(python: Path, tmp_path: Path) -> None:
    first, second = _zip(tmp_path / "first.zip", 1), _zip(tmp_path / "second.zip", 1)
    assert _run(python, first) == ["1", "1", f"{first}/part.py"]
    assert _run(python, second) == ["0", "1", f"{second}/part.py"]


def test_another_source_is_compiled(python: Path, tmp_path: Path) -> None:
    archive = _zip(tmp_path / "changing.zip", 2)
    _run(python, archive)
    assert _run(python, _zip(archive, 3)) == ["1", "3", f"{archive}/part.py"]


def test_kept_code_that_cannot_be_read_is_compiled_anew(python: Path, tmp_path: Path) -> None:
    archive = _zip(tmp_path / "spoiled.zip", 4)
    _run(python, archive)
    for kept in (python.parents[1] / zip_bytecode.FOLDER).iterdir():
        kept.write_bytes(b"not code")
    assert _run(python, archive) == ["1", "4", f"{archive}/part.py"]


def test_no_place_to_keep_it_is_no_error(python: Path, tmp_path: Path) -> None:
    folder = python.parents[1] / zip_bytecode.FOLDER
    folder.rename(tmp_path / "away")
    try:
        # Twice: zipimport compiles to find a module and again to run it.
        assert _run(python, _zip(tmp_path / "plain.zip", 5))[:2] == ["2", "5"]
    finally:
        (tmp_path / "away").rename(folder)
