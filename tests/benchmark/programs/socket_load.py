# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many TCP sockets in the network namespace it is started in, spread over many processes, some half-closed.

Arguments: number of sockets, number of processes, share in CLOSE_WAIT. Every process listens on a loopback address of
its own, as long as it runs, and is both ends of its connections; an end that has sent its FIN keeps its fd, so that its
peer stays in CLOSE_WAIT. All but the half-closed ends are watched by the epoll instance of their process, as they are
in a server. Prints ``ready``, and ends with its standard input.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
from collections.abc import Iterator

PORT = 8000
#: Closing resets: no connection is left in TIME_WAIT for whoever measures next.
NO_LINGERING = struct.pack("ii", 1, 0)


def addresses(number: int) -> Iterator[str]:
    """Loopback addresses, each for one process."""
    return (f"127.1.{index // 250}.{index % 250 + 1}" for index in range(number))


def connections(address: str, number: int, half_closed: int) -> list[socket.socket | select.epoll]:
    """Both ends of that many connections, where they were accepted, and the epoll instance that watches them."""
    loop = select.epoll()
    server = socket.create_server((address, PORT), backlog=64)
    kept: list[socket.socket | select.epoll] = [loop, server]
    for index in range(number):
        client = socket.create_connection((address, PORT), source_address=(address, 0))
        accepted = server.accept()[0]
        kept += [_reset_when_closed(client), _reset_when_closed(accepted)]
        loop.register(accepted, select.EPOLLIN)
        if index < half_closed:
            accepted.shutdown(socket.SHUT_WR)
        else:
            loop.register(client, select.EPOLLIN)
    return kept


def _reset_when_closed(end: socket.socket) -> socket.socket:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGERING)
    return end


def shares(total: int, processes: int) -> list[int]:
    """``total`` in that many nearly equal parts."""
    return [total // processes + (index < total % processes) for index in range(processes)]


def child(address: str, number: int, half_closed: int, ready: int, end: int) -> None:
    """Hold connections until the other end of ``end`` is closed."""
    kept = connections(address, number, half_closed)
    os.write(ready, b"1")
    os.read(end, 1)
    del kept


def main() -> None:
    sockets, processes, share = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    ready_read, ready_write = os.pipe()
    end_read, end_write = os.pipe()
    # Each listens with one of the sockets.
    pairs, half_closed = shares((sockets - processes) // 2, processes), shares(int(sockets * share), processes)
    for address, number, closed in zip(addresses(processes), pairs, half_closed, strict=True):
        if os.fork() == 0:
            os.close(end_write)
            child(address, number, closed, ready_write, end_read)
            os._exit(0)
    os.close(ready_write)
    for _turn in range(processes):
        if not os.read(ready_read, 1):
            raise SystemExit("a process of the load ended early")
    print("ready", flush=True)
    sys.stdin.read()
    os.close(end_write)
    # The next load takes the same addresses.
    for _turn in range(processes):
        os.wait()


if __name__ == "__main__":
    main()
