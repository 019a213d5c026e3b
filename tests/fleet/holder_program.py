# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that has a fleet until it is told to end: ``FORM CACHE COUNT``. Says ``up`` when it has."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from fleet.bare import Bare
from fleet.booted import Booted
from fleet.hosting import hosts

if __name__ == "__main__":
    with hosts(int(sys.argv[3]), Bare() if sys.argv[1] == "bare" else Booted(Path(sys.argv[2]))):
        print("up", flush=True)
        signal.pause()
