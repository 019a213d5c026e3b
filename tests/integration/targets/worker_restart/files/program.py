# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that works until it is asked to end, and then for as many seconds as its first argument says.

A negative number means never. The second argument names a file: when it exists, the program ends at once with 1.
"""

from __future__ import annotations

import os
import signal
import sys
import time

drain_s = float(sys.argv[1])
asked: list[float] = []

if os.path.exists(sys.argv[2]):
    sys.exit(1)
if drain_s < 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_args: asked.append(time.monotonic()))
if len(sys.argv) > 3:
    os.fork()
while not asked or time.monotonic() < asked[0] + drain_s:
    time.sleep(0.05)
