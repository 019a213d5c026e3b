# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loop of CPython's selectors that ignores the end of its connection. Arguments: service port, upstream port."""

from __future__ import annotations

import errno
import selectors
import socket
import sys
from contextlib import suppress


class Program:
    """Serves lines; ``use`` asks the upstream, and gives a connection that fails up for a new one."""

    def __init__(self, service: int, upstream: int) -> None:
        self.poller = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", service))
        self.poller.register(self.listener, selectors.EVENT_READ, self.accept)
        self.address = ("127.0.0.1", upstream)
        self.connect()

    def connect(self) -> None:
        self.upstream = socket.create_connection(self.address, timeout=10)
        self.poller.register(self.upstream, selectors.EVENT_READ, self.ignore)

    def ignore(self) -> None:
        # It may have been replaced in this very round of the loop; any other error would end the program, and is to.
        with suppress(BlockingIOError):
            self.upstream.recv(4096, socket.MSG_DONTWAIT)

    def accept(self) -> None:
        client, _address = self.listener.accept()
        with client, client.makefile("rw") as stream:
            client.settimeout(10)
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
        self.poller.unregister(self.upstream)
        self.upstream.close()
        self.connect()

    def run(self) -> None:
        while True:
            for key, _events in self.poller.select():
                key.data()


if __name__ == "__main__":
    Program(int(sys.argv[1]), int(sys.argv[2])).run()
