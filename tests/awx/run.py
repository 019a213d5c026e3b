# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply awx/ to a stand-in of AWX with the modules of awx.awx, and run its jobs with AWX's engine.

Arguments go to pytest.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path.insert(0, str(TESTS))

from toolchain import ansible_package, cores, venvs, zip_bytecode  # noqa: E402

NEEDED = {"unshare": "util-linux", "nsenter": "util-linux", "gdb": "gdb", "git": "git"}


def main() -> None:
    """Replace this process by pytest."""
    missing = [f"{name} (Debian package {package})" for name, package in NEEDED.items() if shutil.which(name) is None]
    newest = cores.newest_here()
    if missing or os.geteuid() != 0 or newest is None:
        raise SystemExit(
            f"The jobs cannot be run here: root and {cores.NO_CORE if newest is None else 'a Python'} are needed; "
            f"missing: {', '.join(missing) or 'none'}"
        )
    bin_dir = venvs.ensure("awx", newest[1])
    zip_bytecode.install(bin_dir / "python")
    environment = {
        **os.environ,
        "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{TESTS / 'scenarios'}{os.pathsep}{TESTS}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CLOSEWAIT_AWX_MODULES": str(ansible_package.ensure(bin_dir / "python")),
    }
    tests = [str(bin_dir / "python"), "-m", "pytest", "-p", "no:cacheprovider", "-q", str(HERE), *sys.argv[1:]]
    os.execve(tests[0], tests, environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
