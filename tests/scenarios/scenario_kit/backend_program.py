# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backend: ``PORT COUNT``. Answers after a moment, and adds a byte to the file COUNT for each answer."""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_SERVICE_S = 0.05
_COUNT = Path(sys.argv[2])


class Handler(BaseHTTPRequestHandler):
    """One answer."""

    def do_GET(self) -> None:
        time.sleep(_SERVICE_S)
        with _COUNT.open("ab", buffering=0) as count:
            count.write(b".")
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
