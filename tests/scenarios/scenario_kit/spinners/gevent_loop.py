# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gevent: a watcher that stays active on a connection whose end it ignores. Arguments: service port, upstream port."""

from __future__ import annotations

import errno
import sys
from typing import Any

import gevent
import gevent.server
import gevent.socket

READ = 1


class Program:
    def __init__(self, upstream: int) -> None:
        self.address = ("127.0.0.1", upstream)
        self.connect()

    def connect(self) -> None:
        self.upstream = gevent.socket.create_connection(self.address, timeout=10)
        self.watcher = gevent.get_hub().loop.io(self.upstream.fileno(), READ)
        self.watcher.start(lambda: None)

    def accept(self, client: Any, _address: Any) -> None:
        with client.makefile("rw") as stream:
            verb, word = stream.readline().split()
            stream.write((f"echoed {word}" if verb == "echo" else self.use(word)) + "\n")

    def use(self, word: str) -> str:
        try:
            self.upstream.sendall(f"ask {word}\n".encode())
            answer = self.upstream.recv(4096).decode().strip()
        except OSError as exc:
            self.reconnect()
            return "failed " + errno.errorcode.get(exc.errno or 0, "timeout")
        if not answer:
            self.reconnect()
        return f"used {answer}" if answer else "failed EOF"

    def reconnect(self) -> None:
        self.watcher.close()
        self.upstream.close()
        self.connect()


if __name__ == "__main__":
    program = Program(int(sys.argv[2]))
    gevent.server.StreamServer(("127.0.0.1", int(sys.argv[1])), program.accept).serve_forever()
