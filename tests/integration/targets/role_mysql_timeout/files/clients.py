# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of the database, with the pool of SQLAlchemy: ``clients.py steady|pools URL ...``; prints JSON at the end."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import text

LONGEST_S = 600


def steady(url: str, stop: str) -> dict[str, Any]:
    """Insert rows from four threads until the file ``stop`` is there; how many were sent and how many failed."""
    engine = sqlalchemy.create_engine(url, pool_size=4)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS rows_sent (id INT AUTO_INCREMENT PRIMARY KEY)"))
    sent: list[int] = []
    errors: list[str] = []
    end = time.monotonic() + LONGEST_S

    def insert() -> None:
        while not Path(stop).exists() and time.monotonic() < end:
            try:
                with engine.begin() as connection:
                    connection.execute(text("INSERT INTO rows_sent () VALUES ()"))
                sent.append(1)
            except sqlalchemy.exc.SQLAlchemyError as exc:
                errors.append(str(exc)[:200])
            time.sleep(0.05)

    threads = [threading.Thread(target=insert) for _thread in range(4)]
    for thread in threads:
        thread.start()
    Path(stop + ".ready").touch()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        stored = connection.execute(text("SELECT COUNT(*) FROM rows_sent")).scalar()
    return {"sent": len(sent), "errors": errors, "stored": stored}


def pools(url: str, recycle: str) -> dict[str, Any]:
    """Use a connection of each kind of pool, wait until the server has closed both, and use them again."""
    engines = {
        "recycled": sqlalchemy.create_engine(url, pool_recycle=int(recycle)),
        "plain": sqlalchemy.create_engine(url),
    }
    watcher = sqlalchemy.create_engine(url).connect().execution_options(isolation_level="AUTOCOMMIT")
    ids = {name: _query(engine, "SELECT CONNECTION_ID()") for name, engine in engines.items()}
    listing = text("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID IN (:recycled, :plain)")
    end = time.monotonic() + LONGEST_S
    while watcher.execute(listing, ids).scalar() != 0 and time.monotonic() < end:
        time.sleep(0.2)
    outcome: dict[str, Any] = {}
    for name, engine in engines.items():
        try:
            outcome[name] = _query(engine, "SELECT 'ok'")
        except sqlalchemy.exc.SQLAlchemyError as exc:
            outcome[name] = str(exc)[:200]
    return outcome


def idle(url: str, stop: str) -> dict[str, Any]:
    """Hold one connection idle until the file ``stop`` is there."""
    engine = sqlalchemy.create_engine(url)
    _query(engine, "SELECT 1")
    Path(stop + ".ready").touch()
    end = time.monotonic() + LONGEST_S
    while not Path(stop).exists() and time.monotonic() < end:
        time.sleep(0.1)
    return {"idle": True}


def _query(engine: Any, statement: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(statement)).scalar()


if __name__ == "__main__":
    print(json.dumps({"steady": steady, "pools": pools, "idle": idle}[sys.argv[1]](*sys.argv[2:])))
