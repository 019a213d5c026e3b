# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""So many requests a second, whether answers come or not: ``PORT RATE COUNT BURST PATIENCE FILE``.

Each request on a connection of its own, given up after PATIENCE seconds; FILE gets a line for each when it has ended.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

_PORT, _RATE, _COUNT, _BURST = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
_PATIENCE, _ACCOUNT = float(sys.argv[5]), Path(sys.argv[6])
_REQUEST = b"GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n"


async def _ask() -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", _PORT)
    try:
        writer.write(_REQUEST)
        return (await reader.readline()).split()[1].decode()
    finally:
        writer.close()


async def _request() -> None:
    try:
        outcome = await asyncio.wait_for(_ask(), _PATIENCE)
    except TimeoutError:
        outcome = "gave up"
    except (OSError, IndexError) as exc:
        outcome = type(exc).__name__
    with _ACCOUNT.open("a") as account:
        account.write(outcome + "\n")


async def _main() -> None:
    clock = asyncio.get_running_loop()
    began, asked = clock.time(), []
    for number in range(_COUNT):
        await asyncio.sleep(max(0.0, began + number // _BURST * _BURST / _RATE - clock.time()))
        asked.append(asyncio.create_task(_request()))
    await asyncio.gather(*asked)


asyncio.run(_main())
