# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A probe, as a user writes one: 30 requests to the port given, each answered with 200, none as slow as before."""

from __future__ import annotations

import http.client
import sys
import time

LONGEST_S = 1.5

for _request in range(30):
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
    connection.request("GET", "/")
    status, took = connection.getresponse().status, time.monotonic() - began
    connection.close()
    if status != 200 or took > LONGEST_S:
        raise SystemExit(f"answered {status} after {took:.2f} s")
