# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dispatcher: ``NAME POOL PROCESSES GREENLETS PORT ADDRESS...``. Greenlets ask every backend once, then few of them.

POOL is how the greenlets of a process come to their connections:

- ``own``: each makes a session of its own, which is the fault;
- ``shared``: one session for all of them;
- ``block``: one session that never has more than two connections to a backend;
- ``burst``: one session, and at the start all greenlets at every backend at the same moment: none of them gets an
  answer before all of that backend's have asked. Then all is quiet.

Prints ``ready`` once per process after the first round, and what goes wrong.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import random  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
import requests  # noqa: E402
from requests.adapters import HTTPAdapter  # noqa: E402

_OPEN_FILES = 4096
_HOT = 2
_PAUSE_S = 2.0
_TIMEOUT_S = 120
_BACKENDS = 64
_SIZES = {"own": (1, False), "shared": (16, False), "block": (2, True), "burst": (64, False)}

Ask = Callable[[str], None]


def _session(pool: str) -> requests.Session:
    size, block = _SIZES[pool]
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_connections=_BACKENDS, pool_maxsize=size, pool_block=block))
    return session


def _asking(session: requests.Session) -> Ask:
    def ask(url: str) -> None:
        try:
            session.get(url, timeout=_TIMEOUT_S).raise_for_status()
        except requests.RequestException as exc:
            print(f"error {url}: {exc!r}", flush=True)

    return ask


def _first_round(ask: Ask, urls: list[str]) -> None:
    for url in random.sample(urls, len(urls)):
        ask(url)


def _keep_asking(ask: Ask, urls: list[str]) -> None:
    while True:
        gevent.sleep(_PAUSE_S * random.uniform(0.5, 1.5))  # noqa: S311 - spreads the load
        ask(random.choice(urls))  # noqa: S311 - spreads the load


def _dispatch(pool: str, greenlets: int, urls: list[str], askers: int) -> None:
    """``askers``: greenlets of all processes."""
    shared = _asking(_session(pool))
    asks = [_asking(_session(pool)) if pool == "own" else shared for _turn in range(greenlets)]
    if pool == "burst":
        gevent.joinall([gevent.spawn(ask, f"{url}together?{askers}") for ask in asks for url in urls])
        asks = asks[:1]
    else:
        gevent.joinall([gevent.spawn(_first_round, ask, urls) for ask in asks])
    print("ready", flush=True)
    gevent.joinall([gevent.spawn(_keep_asking, ask, urls[:_HOT]) for ask in asks])


def main() -> None:
    """Fork the processes, and wait."""
    name, pool, processes, greenlets, port = sys.argv[1:6]
    urls = [f"http://{address}:{port}/" for address in sys.argv[6:]]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, hard), hard))
    Path("/proc/self/comm").write_text(name)
    for _turn in range(int(processes)):
        if os.fork() == 0:
            _dispatch(pool, int(greenlets), urls, int(processes) * int(greenlets))
    gevent.sleep(86400)


if __name__ == "__main__":
    main()
