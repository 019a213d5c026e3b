# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events that start a look, and findings that Prometheus collects, with the real programs. Arguments go to pytest."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path.insert(0, str(TESTS))

from toolchain import cores, venvs, zip_bytecode  # noqa: E402
from toolchain.stage import SKIPPED  # noqa: E402

JAVA = 17  # the oldest with which ansible-rulebook starts
NEEDED = {
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "promtool": "prometheus",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}


def java_version() -> int:
    """Its major version; 0 where there is none."""
    try:
        run = subprocess.run(["java", "-version"], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', run.stderr)
    return int(found[1]) if found else 0


def main() -> None:
    """Replace this process by pytest."""
    if (java := java_version()) < JAVA:
        there = f"Java {java}" if java else "no Java"
        print(f"here is {there}, and ansible-rulebook needs {JAVA} or newer (Debian package openjdk-17-jdk-headless)")
        raise SystemExit(SKIPPED)
    missing = [f"{name} (Debian package {package})" for name, package in NEEDED.items() if shutil.which(name) is None]
    newest = cores.newest_here()
    if missing or os.geteuid() != 0 or newest is None:
        raise SystemExit(
            f"Events cannot be tried here: root and {cores.NO_CORE if newest is None else 'a Python'} are needed; "
            f"missing: {', '.join(missing) or 'none'}"
        )
    bin_dir = venvs.ensure("eda", newest[1])
    zip_bytecode.install(bin_dir / "python")
    environment = {
        **os.environ,
        "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{TESTS / 'scenarios'}{os.pathsep}{TESTS}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    tests = [str(bin_dir / "python"), "-m", "pytest", "-p", "no:cacheprovider", "-q", str(HERE), *sys.argv[1:]]
    os.execve(tests[0], tests, environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
