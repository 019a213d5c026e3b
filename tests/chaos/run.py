# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Victims that open, close and reuse fds as fast as they can while fd_close works on them. `run.py --help` for options.

Environment: CLOSEWAIT_ANSIBLE_BIN, the folder of an ansible; made in CLOSEWAIT_CACHE without it.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
SCENARIOS = TESTS / "scenarios"
sys.path.insert(0, str(SCENARIOS))

from scenario_kit.environments import cache_directory, ensure_environment  # noqa: E402
from scenario_kit.interpreters import newest_interpreter  # noqa: E402

NEEDED = {"unshare": "util-linux", "gdb": "gdb", "gcc": "gcc"}


def control_python() -> Path:
    """The interpreter that has ansible-core."""
    given = os.environ.get("CLOSEWAIT_ANSIBLE_BIN")
    if given:
        return Path(given) / "python"
    interpreter = newest_interpreter((3, 11), (3, 15))
    requirements = SCENARIOS / "requirements-control.txt"
    return ensure_environment("control", requirements, interpreter, cache_directory(TESTS.parent))


def main() -> None:
    """Replace this process by the test, in network and PID namespaces of its own."""
    missing = [f"{name} (Debian package {package})" for name, package in NEEDED.items() if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise SystemExit(f"The chaos test cannot run here: root is needed; missing: {', '.join(missing) or 'none'}")
    python = control_python()
    paths = (TESTS, SCENARIOS, TESTS.parent / "playbooks" / "collections")
    environment = {
        **os.environ,
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ANSIBLE_PYTHON_INTERPRETER": str(python),
    }
    isolate = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "--"]
    words = [str(python), "-m", "scenario_kit.init_process", str(python), "-m", "chaos", *sys.argv[1:]]
    os.execvpe(isolate[0], [*isolate, *words], environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
