# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Celery application of the scenarios; runs in the service's environment.

A *gated* task works until the scenario opens its gate, which is a slow task whose length the test decides; a *driver*
has a program of its own do the work, and waits for that.
``python -m scenario_kit.celery_tasks NAME…`` queues tasks; a name that begins with ``gated`` waits at its gate.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from celery import Celery

from .task_ledger import TaskLedger

LONGEST_TASK_S = 300.0

app = Celery("scenario", broker=os.environ["CLOSEWAIT_BROKER_URL"])
app.conf.worker_prefetch_multiplier = 1
app.conf.task_acks_late = os.environ.get("CLOSEWAIT_ACKS_LATE") == "1"
app.conf.broker_connection_retry_on_startup = True


@app.task(name="work")
def work(name: str) -> None:
    """Write ``started``, wait at its gate if gated, write ``done``."""
    ledger = TaskLedger(Path(os.environ["CLOSEWAIT_LEDGER"]), Path(os.environ["CLOSEWAIT_GATES"]))
    ledger.write("started", name)
    deadline = time.monotonic() + LONGEST_TASK_S
    if name.startswith("driver"):
        subprocess.run(["sleep", str(LONGEST_TASK_S)], check=True)
    while name.startswith("gated") and not ledger.is_open(name) and time.monotonic() < deadline:
        time.sleep(0.2)
    ledger.write("done", name)


if __name__ == "__main__":
    for task_name in sys.argv[1:]:
        work.delay(task_name)
