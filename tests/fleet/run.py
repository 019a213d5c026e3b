# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests of the fleet: make what they need, then pytest in namespaces of its own. Arguments go to pytest.

Ends with status 77, and a last line that says why, where this machine does not permit namespaces or systemd-nspawn.
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
sys.path[:0] = [str(TESTS), str(SCENARIOS)]

from fleet import apart, oldest_core  # noqa: E402
from fleet.base_tree import base_tree  # noqa: E402
from fleet.permission import obstacle  # noqa: E402
from scenario_kit.environments import cache_directory, ensure_environment  # noqa: E402
from scenario_kit.interpreters import newest_interpreter  # noqa: E402
from toolchain.stage import SKIPPED  # noqa: E402

NEEDED = {
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "systemctl": "systemd",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}


def control_python(cache: Path) -> Path:
    """The interpreter that has ansible-core, psutil and pytest."""
    given = os.environ.get("CLOSEWAIT_ANSIBLE_BIN")
    if given:
        return Path(given) / "python"
    interpreter = newest_interpreter((3, 11), (3, 15))
    return ensure_environment("control", SCENARIOS / "requirements-control.txt", interpreter, cache)


def refuse_when_unfit() -> None:
    """End here where something is missing, or not permitted."""
    missing = [f"{name} (Debian package {package})" for name, package in NEEDED.items() if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"The fleet cannot run here; missing: {', '.join(missing)}")
    if reason := obstacle():
        print("*" * 100, "THE FLEET CAN NOT BE TRIED ON THIS MACHINE. Nothing about many hosts was tested.", sep="\n")
        print("*" * 100, reason, sep="\n", flush=True)
        raise SystemExit(SKIPPED)


def main() -> None:
    """Replace this process by pytest."""
    refuse_when_unfit()
    cache = cache_directory(TESTS.parent)
    python = control_python(cache)
    base_tree(cache)  # while there is a network
    environment = {
        **os.environ,
        **oldest_core.made(cache),
        "CLOSEWAIT_CACHE": str(cache),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{SCENARIOS}{os.pathsep}{TESTS}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    tests = [str(python), "-m", "pytest", "-p", "no:cacheprovider", "-rfEs", "-q", str(HERE), *sys.argv[1:]]
    words = [*apart.ISOLATION, str(python), "-m", "fleet.apart", *tests]
    os.execvpe(words[0], words, environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
