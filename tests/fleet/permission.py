# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a fleet is permitted here: ``python3 -m fleet.permission``, which is to be run apart, tries and says why not.

A container or a sandbox usually lacks a capability, or has its control groups read-only. So it is tried, not guessed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import apart, control_groups
from .command import CommandError, run

_LONGEST_S = 60
_FORBIDDEN = 10
_NAME = "permission"


def obstacle() -> str:
    """Why there can be no fleet here, in one line; empty when there can. Raises RuntimeError when it cannot be told."""
    if os.geteuid() != 0:
        return "a fleet of namespaces needs root"
    words = [*apart.ISOLATION, sys.executable, "-m", "fleet.permission"]
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    tried = subprocess.run(
        words, cwd="/", env=settings, capture_output=True, text=True, check=False, timeout=_LONGEST_S
    )
    if tried.returncode == 0:
        return ""
    if tried.returncode == _FORBIDDEN:
        return f"not permitted here: {tried.stdout.splitlines()[-1]}"
    if tried.stderr.startswith("unshare:"):
        return f"not permitted here: {tried.stderr.splitlines()[0]}"
    # Anything else is a fault of this program, and must not pass for a machine that forbids it.
    raise RuntimeError(f"the trial ended with {tried.returncode}: {tried.stdout}{tried.stderr}")


def _steps(place: Path) -> Iterator[tuple[str, list[str]]]:
    """What a host needs, from the bridge to a booted tree."""
    layers = f"lowerdir=/,upperdir={place}/upper,workdir={place}/work"
    yield "a bridge", ["ip", "link", "add", "closewait", "type", "bridge"]
    yield "a network namespace", ["ip", "netns", "add", _NAME]
    yield "a file system in memory", ["mount", "-t", "tmpfs", "closewait", str(place)]
    yield "folders in it", ["mkdir", f"{place}/upper", f"{place}/work", f"{place}/root"]
    yield "an overlay", ["mount", "-t", "overlay", "-o", layers, "closewait", f"{place}/root"]
    enter = ["nsenter", f"--net=/run/netns/{_NAME}", "systemd-nspawn", "--quiet", "--register=no", "--keep-unit"]
    inside = [f"--directory={place}/root", "--pipe", "--resolv-conf=off", "true"]
    yield "systemd-nspawn", control_groups.inside(_NAME, [*enter, *inside])


def _first_failure(place: Path) -> str:
    try:
        apart.settle()
        control_groups.make(_NAME)
    except (OSError, subprocess.CalledProcessError) as error:
        return str(error)
    for what, argv in _steps(place):
        try:
            run(argv)
        except CommandError as error:
            return f"{what}: {error}"
    return ""


def main() -> int:
    """Print the first thing that is not permitted; the namespaces take everything with them but these two."""
    with tempfile.TemporaryDirectory(prefix="closewait-fleet-") as place:
        reason = _first_failure(Path(place))
        subprocess.run(["umount", "--recursive", place], check=False, capture_output=True)
        control_groups.remove(_NAME)
    print(reason)
    return _FORBIDDEN if reason else 0


if __name__ == "__main__":
    raise SystemExit(main())
