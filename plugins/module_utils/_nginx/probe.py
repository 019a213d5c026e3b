# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a URL until it answers as it should."""

from __future__ import annotations

import http.client
import ssl
import time
from typing import Any, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

from ansible_collections.closewait.remediation.plugins.module_utils._nginx.program import NginxError


class Probe(NamedTuple):
    """``status``: the one that is wanted. Redirects are not followed."""

    url: str
    status: int
    headers: Mapping[str, str]
    validate_certs: bool


def prove(probe: Probe, longest: float) -> None:
    """Raises NginxError when it did not give that status within ``longest`` seconds."""
    deadline = time.monotonic() + longest
    while True:
        left = max(0.1, deadline - time.monotonic())
        answer = _answer(probe, left)
        if answer == probe.status:
            return
        if time.monotonic() >= deadline:
            raise NginxError("%s answers %s instead of %d" % (probe.url, answer, probe.status))
        time.sleep(0.2)


def _answer(probe: Probe, longest: float) -> Any:
    """The status, or what went wrong."""
    parts = urlsplit(probe.url)
    target = "%s?%s" % (parts.path or "/", parts.query) if parts.query else parts.path or "/"
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, probe, longest)
    try:
        connection.request("GET", target, headers={"Connection": "close", **probe.headers})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as exc:
        return "%s (%s)" % (type(exc).__name__, exc)
    finally:
        connection.close()


def _connection(
    scheme: str, host: str, port: Optional[int], probe: Probe, longest: float
) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=longest)
    context = ssl.create_default_context()
    if not probe.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=longest, context=context)
