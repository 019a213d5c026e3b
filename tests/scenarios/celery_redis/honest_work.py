# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that computes for ever and meanwhile holds a connection that its peer has closed: nothing is wrong with it.

The first argument is the port to connect to.
"""

from __future__ import annotations

import socket
import sys

connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
number = 0
while True:
    number = (number * 1103515245 + 12345) % 2147483648
