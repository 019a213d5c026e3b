# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections of others in the cache, out of the package ansible: they are on no package index by themselves."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from .layout import REQUIREMENTS, cache_dir

#: Applied to a stand-in of AWX, and compared with in the benchmark.
WANTED = ("ansible_collections/awx/awx/", "ansible_collections/community/general/")


def ensure(python: Path) -> Path:
    """Return the folder with ``ansible_collections`` in it, made when missing, in place of older ones."""
    requirements = REQUIREMENTS / "ansible-package.txt"
    key = hashlib.sha256(requirements.read_bytes()).hexdigest()[:8]
    place = cache_dir() / "collections" / f"ansible-{key}"
    if not place.exists():
        shutil.rmtree(place.parent, ignore_errors=True)
        place.parent.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=cache_dir()) as scratch:
            _unpacked(_downloaded(python, requirements, Path(scratch)), Path(scratch) / "unpacked").rename(place)
    return place


def _downloaded(python: Path, requirements: Path, folder: Path) -> Path:
    print("fetching collections of others (56 MB)", flush=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--dest", str(folder), "--requirement", str(requirements)], check=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def _unpacked(wheel: Path, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(WANTED)])
    return folder
