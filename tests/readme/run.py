# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every command of the README, and check what it says against the code. Arguments go to pytest.

Environment: CLOSEWAIT_ANSIBLE_BIN, the folder of an ansible with psutil and pytest; made in CLOSEWAIT_CACHE without it.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
SCENARIOS = TESTS / "scenarios"
sys.path.insert(0, str(SCENARIOS))

from scenario_kit.environments import cache_directory, ensure_environment  # noqa: E402
from scenario_kit.interpreters import newest_interpreter  # noqa: E402

NEEDED = {"unshare": "util-linux", "nsenter": "util-linux", "gdb": "gdb", "git": "git", "make": "make"}


def control_python() -> Path:
    """The interpreter that has ansible-core, psutil and pytest."""
    given = os.environ.get("CLOSEWAIT_ANSIBLE_BIN")
    if given:
        return Path(given) / "python"
    interpreter = newest_interpreter((3, 11), (3, 15))
    requirements = SCENARIOS / "requirements-control.txt"
    return ensure_environment("control", requirements, interpreter, cache_directory(TESTS.parent))


def main() -> None:
    """Replace this process by pytest."""
    missing = [f"{name} (Debian package {package})" for name, package in NEEDED.items() if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise SystemExit(
            f"The README's commands cannot be run here: root is needed; missing: {', '.join(missing) or 'none'}"
        )
    python = control_python()
    environment = {
        **os.environ,
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{SCENARIOS}{os.pathsep}{TESTS}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    tests = [str(python), "-m", "pytest", "-p", "no:cacheprovider", "-q", str(HERE), *sys.argv[1:]]
    os.execve(tests[0], tests, environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
