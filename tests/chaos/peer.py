# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server behind every connection of the victims: ``python -m chaos.peer PORT``. It answers by content.

The first byte says what a connection is for: ``H`` and 8 bytes of secret: every 8 bytes that follow are answered with
the secret and those 8 bytes; ``B``: it is half-closed; ``U``: the same, with bytes sent before; ``R``: it is reset.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
from dataclasses import dataclass

SECRET = NONCE = 8
UNREAD = b"lost!"
BACKLOG = 1024
_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)


@dataclass
class Caller:
    """``pending``: bytes not answered yet; ``secret`` None: it has not said yet what it wants."""

    sock: socket.socket
    pending: bytes = b""
    secret: bytes | None = None


class Peer:
    """One loop over all connections."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("", port), backlog=BACKLOG)
        self._listener.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._callers: dict[int, Caller] = {}
        print("listening", flush=True)

    def serve(self) -> None:
        """For ever."""
        while True:
            for number, _events in self._poll.poll():
                if number == self._listener.fileno():
                    self._accept()
                else:
                    self._hear(self._callers[number])

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            sock = self._listener.accept()[0]
            self._callers[sock.fileno()] = Caller(sock)
            self._poll.register(sock, select.EPOLLIN)

    def _hear(self, caller: Caller) -> None:
        try:
            heard = caller.sock.recv(4096)
            caller.pending += heard
            if not heard or not self._go_on(caller):
                self._end(caller)
        except OSError:
            self._end(caller)

    def _go_on(self, caller: Caller) -> bool:
        """Answer what can be answered; False when the connection has served its purpose."""
        if caller.secret is None:
            if caller.pending[:1] != b"H":
                self._let_go(caller)
                return False
            if len(caller.pending) <= SECRET:
                return True
            caller.secret, caller.pending = caller.pending[1 : 1 + SECRET], caller.pending[1 + SECRET :]
        while len(caller.pending) >= NONCE:
            caller.sock.sendall(caller.secret + caller.pending[:NONCE])
            caller.pending = caller.pending[NONCE:]
        return True

    @staticmethod
    def _let_go(caller: Caller) -> None:
        if caller.pending[:1] == b"U":
            caller.sock.sendall(UNREAD)
        elif caller.pending[:1] == b"R":
            caller.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    def _end(self, caller: Caller) -> None:
        del self._callers[caller.sock.fileno()]
        self._poll.unregister(caller.sock)
        caller.sock.close()


if __name__ == "__main__":
    Peer(int(sys.argv[1])).serve()
