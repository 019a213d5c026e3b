# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer that programs are connected to, in the test's own process: it answers, and it half-closes when told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Upstream:
    """Answers the line ``ask WORD`` with ``answer WORD``. ``heard``: every line that came, on whatever connection."""

    listener: socket.socket
    heard: list[str] = field(default_factory=list)
    _open: dict[int, socket.socket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        port: int = self.listener.getsockname()[1]
        return port

    def connections(self) -> int:
        """How many connections are open on this side."""
        with self._lock:
            return len(self._open)

    def half_close(self) -> None:
        """Send the FIN on every connection, and go on reading: the other side is in CLOSE_WAIT from then on."""
        with self._lock:
            for connection in self._open.values():
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)

    def serve(self) -> None:
        """Until the listener is closed."""
        with suppress(OSError):
            while True:
                connection, _address = self.listener.accept()
                with self._lock:
                    self._open[id(connection)] = connection
                threading.Thread(target=self._converse, args=[connection], daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip("\n")
                self.heard.append(text)
                connection.sendall(text.replace("ask ", "answer ").encode() + b"\n")
        with self._lock:
            del self._open[id(connection)]
        connection.close()


@contextmanager
def upstream() -> Iterator[Upstream]:
    """A peer on a free port for the length of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Upstream(listener)
        threading.Thread(target=peer.serve, daemon=True).start()
        try:
            yield peer
        finally:
            # A blocked accept(2) keeps the socket alive after close(2).
            listener.shutdown(socket.SHUT_RDWR)
