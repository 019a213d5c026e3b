# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PID 1 of a scenario's namespace: runs one command, reaps every orphan, ends with the command's exit status.

Without it orphaned workers would stay as zombies, and a test could not tell a dead process from a living one.
"""

from __future__ import annotations

import os
import sys

from .loopback import bring_loopback_up


def _reap_until(pid: int) -> int:
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def main(command: list[str]) -> int:
    """Bring the loopback up, run ``command`` and return its exit status."""
    bring_loopback_up()
    pid = os.posix_spawnp(command[0], command, os.environ)
    return abs(_reap_until(pid))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
