# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces for a fleet and whoever uses it: ``python3 -m fleet.apart COMMAND...``, by root.

A network, a PID and a mount namespace of its own (namespaces(7)). Bridge, links, mounts and processes of the fleet are
in there, so that none of them can outlive it, whatever happens; what takes them down in order is ``hosting.hosts``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scenario_kit.loopback import bring_loopback_up

ISOLATION = ("unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "--")
_MARK = "closewait-fleet"
_REAPER = (sys.executable, "-m", "scenario_kit.init_process")


def around(command: Sequence[str | Path]) -> list[str]:
    """The argv that runs ``command`` apart."""
    return [*ISOLATION, sys.executable, "-m", "fleet.apart", *(str(word) for word in command)]


def settle() -> None:
    """Make fresh namespaces fit for a fleet: what is kept below /run there is not the machine's."""
    bring_loopback_up()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", _MARK, "/run"], check=True)


def insist() -> None:
    """Raise RuntimeError unless this process is apart."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    if not any(fields[:2] == [_MARK, "/run"] for fields in mounts):
        raise RuntimeError("a fleet wants namespaces of its own: start this by `python3 -m fleet.apart`")


if __name__ == "__main__":
    settle()
    os.execv(_REAPER[0], [*_REAPER, *sys.argv[1:]])  # noqa: S606 - no shell is wanted
