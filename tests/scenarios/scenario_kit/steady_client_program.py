# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis clients that never rest, each counting what it did; runs in the service's environment.

``python -m scenario_kit.steady_client_program PORT CLIENTS STOP_FILE RESULT_FILE``:
Each client adds one to a key of its own, again and again, on one connection, without ever trying anything twice. What
the server has in the keys at the end must be what the clients were told. One more client waits in BLPOP all the time.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PAUSE_S = 0.002


def _connection(port: int, name: str) -> redis.Redis:
    # The default retries three times, which would hide a connection that was lost.
    return redis.Redis(
        port=port, client_name=name, retry=Retry(NoBackoff(), 0), health_check_interval=0, single_connection_client=True
    )


def _count(port: int, number: int, stop: Path, results: dict[str, Any]) -> None:
    done, errors, longest = 0, [], 0.0
    client = _connection(port, f"steady-{number}")
    while not stop.exists():
        began = time.monotonic()
        try:
            client.incr(f"steady:{number}")
            done += 1
        except redis.RedisError as exc:
            errors.append(repr(exc))
        longest = max(longest, time.monotonic() - began)
        time.sleep(PAUSE_S)
    results[f"steady:{number}"] = {"done": done, "errors": errors, "longest_s": round(longest, 4)}


def _wait(port: int, results: dict[str, Any]) -> None:
    try:
        results["blocked"] = [part.decode() for part in _connection(port, "blocked").blpop(["bell"], 0)]
    except redis.RedisError as exc:
        results["blocked"] = repr(exc)


def main() -> None:
    """Count until the stop file is there, then write what each client did."""
    port, clients, stop, result = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    results: dict[str, Any] = {}
    threads = [threading.Thread(target=_count, args=(port, number, stop, results)) for number in range(clients)]
    threads.append(threading.Thread(target=_wait, args=(port, results)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    draft = result.with_suffix(".draft")
    draft.write_text(json.dumps(results))
    draft.rename(result)


if __name__ == "__main__":
    main()
