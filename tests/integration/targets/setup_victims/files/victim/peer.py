# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server that victims connect to. The first line of a connection says how the server is to behave on it."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time

#: What the server sends before it closes, so that unread bytes can be told by content: the first N of these.
CONTENT = bytes(range(ord("a"), ord("z") + 1)) * 400

_kept: list[socket.socket] = []


def listen(family: int, port: int) -> socket.socket:
    """A listening socket on the loopback address of that family; an IPv6 one takes IPv4 as well. Port 0: any."""
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1" if family == socket.AF_INET else "::1", port))
    server.listen(512)
    return server


def serve(servers: list[socket.socket]) -> None:
    """Never returns, except when the process that started it ends."""
    for server in servers:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
    parent = os.getppid()
    while os.getppid() == parent:
        threading.Event().wait(0.5)


def _accept(server: socket.socket) -> None:
    while True:
        connection, _address = server.accept()
        threading.Thread(target=_obey, args=(connection,), daemon=True).start()


def _obey(connection: socket.socket) -> None:
    word, _space, number = _line(connection).partition(" ")
    if word == "late":
        time.sleep(int(number) / 1000)
        connection.close()
        return
    connection.sendall(CONTENT[: int(number or 0)])
    if word == "close":
        connection.close()
    elif word == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    elif word == "deaf":
        _kept.append(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.shutdown(socket.SHUT_WR)
    else:
        _echo(connection)


def _echo(connection: socket.socket) -> None:
    while True:
        data = connection.recv(65536)
        if not data:
            break
        connection.sendall(data)
    connection.close()


def _line(connection: socket.socket) -> str:
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return line.decode("ascii").strip()
