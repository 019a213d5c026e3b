# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's patient: loops on epoll, reads, and never notices that the other end has closed.

Usage: demo_client.py STATE_FILE SECONDS PORT. Writes its pid to STATE_FILE and ends by itself after SECONDS.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys


def main(state_file: str, seconds: str, port: str) -> None:
    """Read for ever; at the end of the stream recv returns nothing, at once, every time."""
    signal.alarm(int(seconds))
    connection = socket.create_connection(("127.0.0.1", int(port)))
    with open(state_file, "w", encoding="ascii") as state:
        json.dump({"pid": os.getpid()}, state)
    epoll = select.epoll()
    epoll.register(connection, select.EPOLLIN)
    while True:
        epoll.poll()
        connection.recv(256)


if __name__ == "__main__":
    main(*sys.argv[1:])
