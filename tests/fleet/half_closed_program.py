# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program for a host: it holds one connection that its peer, which is itself, has closed, and prints its pid.

Runs on every Python that a managed host may have.
"""

import os
import socket
import time

LONGEST_S = 300

listener = socket.create_server(("127.0.0.1", 0))
ours = socket.create_connection(listener.getsockname())
theirs, _address = listener.accept()
theirs.close()
listener.close()
print(os.getpid(), flush=True)
time.sleep(LONGEST_S)
