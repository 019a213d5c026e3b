# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Celery application whose tasks query a database through SQLAlchemy; runs in the service's environment.

``CLOSEWAIT_SESSION`` says what a task does with its session: ``held``, one session for the life of the process, never
given back, or ``closed``, one per task. ``CLOSEWAIT_ENGINE`` is JSON with the arguments of ``create_engine``.
``python -m scenario_kit.database_tasks NAME…`` queues tasks, ``--canary NAME`` queues one and waits until it is done,
and ``--steadily`` queues one after the other, until it is ended.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from celery import Celery
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from .task_ledger import TaskLedger

CANARY_S = 120.0
STEADY_S = 0.5

app = Celery("shop", broker=os.environ["CLOSEWAIT_BROKER_URL"])
app.conf.broker_connection_retry_on_startup = True
engine = create_engine(os.environ["CLOSEWAIT_DATABASE_URL"], **json.loads(os.environ["CLOSEWAIT_ENGINE"]))
held = Session(engine)


def _count(session: Session) -> int:
    return int(session.execute(text("SELECT COUNT(*) FROM orders")).scalar_one())


def _query() -> None:
    if os.environ["CLOSEWAIT_SESSION"] == "held":
        _count(held)
        return
    with Session(engine) as session:
        _count(session)


def ledger() -> TaskLedger:
    """Where the tasks write ``done NAME`` or ``ERROR NAME``."""
    return TaskLedger(Path(os.environ["CLOSEWAIT_LEDGER"]), Path(os.environ["CLOSEWAIT_GATES"]))


@app.task(name="count_orders")
def count_orders(name: str) -> None:
    """Ask the database, and write down what came of it."""
    try:
        _query()
    except SQLAlchemyError as exc:
        ledger().write(type(exc).__name__, name)
        raise
    ledger().write("done", name)


def canary(name: str) -> bool:
    """Whether a task queued now gets its answer from the database."""
    count_orders.delay(name)
    deadline = time.monotonic() + CANARY_S
    while not ledger().count("done")[name]:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def steadily() -> None:
    """Queue a task every now and then, each when the one before has ended, so that no queue builds up."""
    for number in range(10_000):
        name = f"steady-{number}"
        count_orders.delay(name)
        while not any(name in ledger().count(outcome) for outcome in ("done", "OperationalError")):
            time.sleep(0.05)
        time.sleep(STEADY_S)


if __name__ == "__main__":
    if sys.argv[1] == "--steadily":
        steadily()
    if sys.argv[1] == "--canary":
        sys.exit(0 if canary(sys.argv[2]) else f"{sys.argv[2]} was not done within {CANARY_S:g} s")
    for task_name in sys.argv[1:]:
        count_orders.delay(task_name)
