# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event loop of asyncio or uvloop that ignores the end of its upstream connection.

Arguments: ``asyncio`` or ``uvloop``, service port, upstream port. Like selectors_loop otherwise.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from contextlib import suppress


class Program:
    def __init__(self, service: int, upstream: int) -> None:
        self.service = service
        self.address = ("127.0.0.1", upstream)

    async def connect(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.upstream = socket.socket()
        self.upstream.setblocking(False)
        await self.loop.sock_connect(self.upstream, self.address)
        self.loop.add_reader(self.upstream, self.ignore)

    def ignore(self) -> None:
        with suppress(OSError):
            self.upstream.recv(4096)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb, word = (await reader.readline()).decode().split()
        answer = f"echoed {word}" if verb == "echo" else await self.use(word)
        writer.write(answer.encode() + b"\n")
        writer.close()

    async def use(self, word: str) -> str:
        self.loop.remove_reader(self.upstream)
        try:
            await self.loop.sock_sendall(self.upstream, f"ask {word}\n".encode())
            answer = await asyncio.wait_for(self.loop.sock_recv(self.upstream, 4096), 10)
        except OSError as exc:
            await self.reconnect()
            return "failed " + errno.errorcode.get(exc.errno or 0, "timeout")
        if not answer:
            await self.reconnect()
            return "failed EOF"
        self.loop.add_reader(self.upstream, self.ignore)
        return "used " + answer.decode().strip()

    async def reconnect(self) -> None:
        self.upstream.close()
        await self.connect()

    async def run(self) -> None:
        await self.connect()
        server = await asyncio.start_server(self.accept, "127.0.0.1", self.service)
        await server.serve_forever()


def main(kind: str, service: int, upstream: int) -> None:
    program = Program(service, upstream)
    if kind == "uvloop":
        import uvloop  # noqa: PLC0415 - loaded only where it is meant, as what is mapped is looked at

        uvloop.run(program.run())
    else:
        asyncio.run(program.run())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
