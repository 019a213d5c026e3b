# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the machine to where the stages can run: Debian packages, then the shared virtual environments."""

from __future__ import annotations

import sys

from . import cores, debian, interpreters, pip_bootstrap, venvs, zip_bytecode
from .layout import ROOT


def packages() -> str:
    """Install missing Debian packages. Return an empty string, or why it could not be done."""
    try:
        debian.ensure()
    except debian.PackagesMissingError as error:
        return str(error)
    return ""


def environments() -> str:
    """Make the shared environments. Return an empty string, or why it could not be done."""
    if not (ROOT / ".git").exists():
        return "this is no git checkout: the tools ask git which files belong to the collection (git init && git add .)"
    interpreters.find.cache_clear()
    newest = cores.newest_here()
    if newest is None:
        return cores.NO_CORE
    try:
        for purpose in ("nox", "control"):
            venvs.ensure(purpose, newest[1])
        zip_bytecode.install(venvs.location("control", newest[1]) / "python")
        pip_bootstrap.ensure(venvs.location("nox", newest[1]) / "python")
    except (venvs.VenvError, pip_bootstrap.BootstrapError) as error:
        return str(error)
    return ""


PARTS = {"packages": packages, "environments": environments}

if __name__ == "__main__":
    raise SystemExit(PARTS[sys.argv[1]]() or None)
