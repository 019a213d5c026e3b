# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WSGI application whose workers listen to an upstream in a thread that ignores the end of the connection.

The path is ``/echo/WORD`` or ``/use/WORD``. ``CLOSEWAIT_UPSTREAM_PORT`` names the upstream; it is connected to at the
first request, so in the worker and not in the master.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any


class Listening:
    def __init__(self, port: int) -> None:
        self.address = ("127.0.0.1", port)
        self.poller = selectors.DefaultSelector()
        self.connect()
        threading.Thread(target=self.listen, daemon=True).start()

    def connect(self) -> None:
        self.upstream = socket.create_connection(self.address, timeout=10)
        self.poller.register(self.upstream, selectors.EVENT_READ)

    def listen(self) -> None:
        while True:
            # Only what says that it ended is ignored: the answers are for the requests, so nothing is read here.
            self.poller.select(0.5)

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


@cache
def listening() -> Listening:
    return Listening(int(os.environ["CLOSEWAIT_UPSTREAM_PORT"]))


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    verb, word = environ["PATH_INFO"].strip("/").split("/")
    answer = f"echoed {word}" if verb == "echo" else listening().use(word)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
