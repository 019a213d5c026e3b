# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON over HTTP on this machine, and free ports."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from typing import Any

WAIT_S = 90


def free_port() -> int:
    """A TCP port of the loopback on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def post(url: str, document: Any, token: str | None = None) -> int:
    """Post it and return the status of the answer."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps(document).encode(), headers)  # noqa: S310 - an address of ours
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:  # noqa: S310
            status: int = answer.status
    except urllib.error.HTTPError as refusal:
        status = refusal.code
    return status


def get(url: str) -> str:
    """What is there, as text."""
    with urllib.request.urlopen(url, timeout=WAIT_S) as answer:  # noqa: S310 - an address of ours
        text: str = answer.read().decode()
    return text
