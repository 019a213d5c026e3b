# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PID 1 of a stage's PID namespace (pid_namespaces(7)): ``python3 -m toolchain.first_process FOLDER COMMAND...``.

Runs the command in the folder, reaps every orphan, and fails when something is left running at the end.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from . import leftovers
from .stage import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LEFT_RUNNING = 3


def around(argv: Sequence[str], folder: Path) -> list[str]:
    """Return the command that runs ``argv`` so; it is to be started in ``tests/``, by root."""
    namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--"]
    return [*namespace, sys.executable, "-m", "toolchain.first_process", str(folder), *argv]


def main(folder: str, argv: Sequence[str]) -> int:
    """Return the command's exit status (128 + N when signal N ended it, as shells have it), or ``LEFT_RUNNING``."""
    os.chdir(folder)
    status = _reap_until(os.posix_spawnp(argv[0], tuple(argv), os.environ))
    if left := leftovers.end_all():
        print(f"ERROR: left running, now killed: {', '.join(left)}", flush=True)
        return status if status not in (0, SKIPPED) else LEFT_RUNNING
    return status


def _reap_until(pid: int) -> int:
    while True:
        ended, status = os.wait()
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
