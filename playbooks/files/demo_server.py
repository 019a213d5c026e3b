# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's server: sends every client three messages, half a second apart, and closes.

Usage: demo_server.py STATE_FILE SECONDS. Writes its pid and port to STATE_FILE and ends by itself after SECONDS.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time

MESSAGES = 3
PAUSE_S = 0.5


def main(state_file: str, seconds: str) -> None:
    """Serve on a free loopback port, one client after the other."""
    signal.alarm(int(seconds))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with open(state_file, "w", encoding="ascii") as state:
            json.dump({"pid": os.getpid(), "port": listener.getsockname()[1]}, state)
        while True:
            connection = listener.accept()[0]
            with connection:
                serve(connection)


def serve(connection: socket.socket) -> None:
    """Three messages; the close that follows is the FIN that the client never answers."""
    for number in range(MESSAGES):
        connection.sendall(b"data %d\n" % number)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
