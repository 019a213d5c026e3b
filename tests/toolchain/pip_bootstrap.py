# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let ``ansible-test`` bootstrap pip where its download site is out of reach.

ansible-test fetches ``get-pip-VERSION.py`` from a site of its own into ``~/.ansible/test/cache``
(ansible_test/_util/target/setup/requirements.py). Where that site answers, nothing is done here. Where it does not,
the same version of pip is fetched as a wheel from the package index that pip uses, and a stand-in that installs this
wheel is put at that place.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from .layout import TOOLCHAIN

URL = "https://ci-files.testing.ansible.com/ansible-test/get-pip-{version}.py"
STAND_IN = TOOLCHAIN / "get_pip_stand_in.py"
REACH_TIMEOUT_S = 5


class BootstrapError(Exception):
    """pip could be had neither from ansible-test's site nor from the package index."""


def wanted_versions(python: Path) -> set[str]:
    """Return the pip versions that the ansible-test of that environment bootstraps, on any of its Pythons.

    Source: ``get_venv_packages`` in ansible_test/_internal/python_requirements.py.
    """
    code = (
        "import ansible_test._internal.python_requirements as r, inspect; print(inspect.getsource(r.get_venv_packages))"
    )
    run = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    return set(re.findall(r"""pip=['"]([\d.]+)['"]""", run.stdout))


def ensure(python: Path) -> None:
    """Make the pip versions that this environment's ansible-test wants available to it."""
    for version in sorted(wanted_versions(python)):
        script = _cache() / f"get_pip_{version.replace('.', '_')}.py"
        if not script.exists() and not _reachable(version):
            _put_stand_in(python, version, script)


def _cache() -> Path:
    return Path.home() / ".ansible" / "test" / "cache"


def _reachable(version: str) -> bool:
    request = urllib.request.Request(URL.format(version=version), method="HEAD")  # noqa: S310 (the URL is above: https)
    try:
        with urllib.request.urlopen(request, timeout=REACH_TIMEOUT_S):  # noqa: S310
            return True
    except OSError:  # URLError and timeouts are
        return False


def _put_stand_in(python: Path, version: str, script: Path) -> None:
    url = URL.format(version=version)
    print(f"{url} is out of reach: pip {version} comes from the package index instead ({script})", flush=True)
    script.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=script.parent) as scratch:
        _download(python, version, scratch)
        shutil.copyfile(STAND_IN, Path(scratch, script.name))
        for path in sorted(Path(scratch).iterdir(), reverse=True):  # the wheel first, then what needs it
            path.replace(script.parent / path.name)


def _download(python: Path, version: str, directory: str) -> None:
    argv = [
        str(python),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
    ]
    run = subprocess.run([*argv, f"--dest={directory}", f"pip=={version}"], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        url = URL.format(version=version)
        raise BootstrapError(f"pip {version}: {url} does not answer, nor is it in the package index:\n{run.stderr}")
