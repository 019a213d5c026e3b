# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How nginx logs a server of an upstream: by the addresses that its name had when nginx was loaded."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from typing import List, Optional

#: A resolver that is out of reach must not hold up all other facts.
LONGEST_S = 3.0


def logged(server: str) -> Optional[List[str]]:
    """The addresses behind ``host:port`` or ``unix:/path``; None when the name could not be resolved."""
    host, _colon, port = server.rpartition(":")
    if server.startswith("unix:") or _is_literal(host.strip("[]")):
        return [server]
    answers: queue.Queue[Optional[List[str]]] = queue.Queue()
    threading.Thread(target=lambda: answers.put(_resolved(host, port)), daemon=True).start()
    try:
        return answers.get(timeout=LONGEST_S)
    except queue.Empty:
        return None


def _resolved(host: str, port: str) -> Optional[List[str]]:
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return None
    addresses = [str(entry[4][0]) for entry in found]
    return sorted({"[%s]:%s" % (one, port) if ":" in one else "%s:%s" % (one, port) for one in addresses})


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
