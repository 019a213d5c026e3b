# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that send requests, each on a new connection, and account for every one of them."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class HttpLoad:
    """``outcomes``: how many requests ended with which status or error."""

    port: int
    path: str = "/"
    pause_s: float = 0.1
    timeout_s: float = 30.0
    outcomes: Counter[str] = field(default_factory=Counter)
    longest_s: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    host: str = "127.0.0.1"

    def sent(self) -> int:
        """Requests that have ended so far, well or not."""
        with self._lock:
            return sum(self.outcomes.values())

    def end(self) -> Counter[str]:
        """No more requests; the account."""
        self._ended.set()
        with self._lock:
            return Counter(self.outcomes)

    def run(self) -> None:
        """One sender, until the end."""
        while not self._ended.is_set():
            began = time.monotonic()
            outcome = self._request()
            with self._lock:
                self.outcomes[outcome] += 1
                self.longest_s = max(self.longest_s, time.monotonic() - began)
            self._ended.wait(self.pause_s)

    def _request(self) -> str:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_s)
        try:
            connection.request("GET", self.path, headers={"Connection": "close"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as exc:
            return repr(exc)
        else:
            return str(answer.status)
        finally:
            connection.close()


@contextmanager
def http_load(
    port: int,
    senders: int,
    path: str = "/",
    *,
    pause_s: float = 0.1,
    timeout_s: float = 30.0,
    host: str = "127.0.0.1",
) -> Iterator[HttpLoad]:
    """``senders`` threads for the length of the block; they have finished afterwards."""
    load = HttpLoad(port, path, pause_s, timeout_s, host=host)
    threads = [threading.Thread(target=load.run) for _number in range(senders)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.end()
        for thread in threads:
            thread.join()
