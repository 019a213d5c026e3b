# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asyncio's streams: the half-closed connection belongs to a transport, which has stopped watching it by itself.

Arguments: service port, upstream port. Like selectors_loop otherwise.
"""

from __future__ import annotations

import asyncio
import sys


class Program:
    def __init__(self, service: int, upstream: int) -> None:
        self.service = service
        self.port = upstream

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb, word = (await reader.readline()).decode().split()
        answer = f"echoed {word}" if verb == "echo" else await self.use(word)
        writer.write(answer.encode() + b"\n")
        writer.close()

    async def use(self, word: str) -> str:
        self.writer.write(f"ask {word}\n".encode())
        answer = await asyncio.wait_for(self.reader.readline(), 10)
        if answer:
            return "used " + answer.decode().strip()
        self.writer.close()
        await self.connect()
        return "failed EOF"

    async def run(self) -> None:
        await self.connect()
        server = await asyncio.start_server(self.accept, "127.0.0.1", self.service)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(Program(int(sys.argv[1]), int(sys.argv[2])).run())
