# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that works on one job after the other, and on SIGTERM finishes the one that it has.

Arguments: seconds a job takes; file for a line ``begin JOB`` or ``end JOB`` each; file whose presence makes it fail at
its start, once. A job that has begun and not ended was lost.
"""

from __future__ import annotations

import os
import signal
import sys
import time

seconds, log, broken = float(sys.argv[1]), sys.argv[2], sys.argv[3]
asked: list[int] = []


def note(text: str) -> None:
    """Add one line in one write."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, (text + "\n").encode())
    os.close(descriptor)


def work(job: str) -> None:
    """Take as long as a job takes."""
    note("begin " + job)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.02)
    note("end " + job)


if os.path.exists(broken):
    os.unlink(broken)
    sys.exit(1)
# As long as a worker needs to import its app.
time.sleep(1)
signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
while not asked:
    work("%d-%d" % (os.getpid(), time.monotonic_ns()))
