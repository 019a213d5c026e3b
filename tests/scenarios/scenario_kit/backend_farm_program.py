# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backends on many addresses in one process: ``PORT ADDRESS...``. Light, for thousands of kept connections.

``GET /`` is answered at once, ``GET /together?N`` when N wait for that at this address, ``GET /answered`` with the
number of answers given so far.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections import defaultdict
from typing import ClassVar

_OPEN_FILES = 32768
_END = b"\r\n\r\n"


class Backend(asyncio.Protocol):
    """One connection; requests have no body and are not pipelined."""

    answered = 0
    #: Address -> who waits there until all are there.
    waiting: ClassVar[defaultdict[str, list[Backend]]] = defaultdict(list)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(_END):
            return
        path, self._received = self._received.split(b" ", 2)[1], b""
        if path.startswith(b"/together?"):
            self._wait_for(int(path.partition(b"?")[2]))
        else:
            self.answer()

    def _wait_for(self, number: int) -> None:
        address = self._transport.get_extra_info("sockname")[0]
        Backend.waiting[address].append(self)
        if len(Backend.waiting[address]) == number:
            for each in Backend.waiting.pop(address):
                each.answer()

    def answer(self) -> None:
        Backend.answered += 1
        body = b"%d\n" % Backend.answered
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def _serve(port: int, addresses: list[str]) -> None:
    loop = asyncio.get_running_loop()
    for address in addresses:
        await loop.create_server(Backend, address, port, backlog=4096)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, hard), hard))
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2:]))
