# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the Debian packages that the tests need, and only those that are missing.

Nothing is started by that: while apt runs, a ``policy-rc.d`` forbids it. deb-systemd-invoke and
invoke-rc.d ask that, see https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from .layout import TOOLCHAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY = Path("/usr/sbin/policy-rc.d")
LISTS = Path("/var/lib/apt/lists")
PACKAGES = TOOLCHAIN / "apt-packages.txt"


class PackagesMissingError(Exception):
    """Packages are missing and could not be installed; the text says which and what to do."""


def wanted() -> list[str]:
    """Return the package names of ``apt-packages.txt`` (one a line, ``#`` starts the reason)."""
    lines = (line.partition("#")[0].strip() for line in PACKAGES.read_text().splitlines())
    return [line for line in lines if line]


def missing() -> list[str]:
    """Return the wanted packages that dpkg does not have in state ``installed``."""
    return [name for name in wanted() if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    argv = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    return run.returncode == 0 and run.stdout == "installed"


def ensure() -> None:
    """Install what is missing, or raise ``PackagesMissingError``."""
    names = missing() if shutil.which("dpkg-query") else wanted()
    if not names:
        return
    command = f"apt-get install --no-install-recommends {' '.join(names)}"
    if shutil.which("apt-get") is None:
        raise PackagesMissingError(f"no apt-get here: provide what these Debian packages hold: {' '.join(names)}")
    if os.geteuid() != 0:
        raise PackagesMissingError(f"Debian packages are missing; as root: {command}")
    print(f"{command} (no service is started)", flush=True)
    with _services_forbidden():
        _install(names)


def _install(names: list[str]) -> None:
    """Install with the package lists at hand; fetch fresh ones when there are none or they turn out too old."""
    if not any(LISTS.glob("*_Packages*")):
        _apt(["update"])
    if _apt(["install", "--yes", "--no-install-recommends", *names]).returncode != 0:
        _apt(["update"])
        run = _apt(["install", "--yes", "--no-install-recommends", *names])
        if run.returncode != 0:
            raise PackagesMissingError(
                f"apt-get could not install {' '.join(names)}:\n{run.stdout[-3000:]}{run.stderr[-3000:]}"
            )


def _apt(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    argv = ["apt-get", "--quiet", "--option=DPkg::Lock::Timeout=120", *arguments]
    return subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


@contextlib.contextmanager
def _services_forbidden() -> Iterator[None]:
    """Forbid service starts while packages are installed. A policy that is there already stays as it is."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
