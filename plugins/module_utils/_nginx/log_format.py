# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading an access log by its own ``log_format`` (https://nginx.org/en/docs/http/ngx_http_log_module.html).

What clients send stands in these lines. So no part of a pattern can match in two ways, or a line made for it could keep
the matching busy for ever: a value ends where the text behind it in the format begins.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Mapping, Optional, Pattern

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_NEEDED = ("upstream_addr", "upstream_response_time")
_TIMES = ("msec", "time_iso8601", "time_local")
_KEPT = frozenset((*_NEEDED, *_TIMES, "upstream_status", "upstream_connect_time", "status"))
#: One value per server that was tried.
_LIST = r"[^\s,\"]*(?:(?:, | : )[^\s,\"]+)*"
_SHAPES = {
    "time_local": r"[^ ]+ [+-]\d{4}",
    "request": r"[^ ]*(?: [^ ]*)?(?: [^ ]*)?",
    **dict.fromkeys(("upstream_addr", "upstream_response_time", "upstream_status"), _LIST),
    **dict.fromkeys(("upstream_connect_time", "upstream_header_time", "upstream_bytes_received"), _LIST),
}
#: By default a quote in a value is written as \x22, with escape=json as \".
_QUOTED = r"[^\"\\]*(?:\\.[^\"\\]*)*"


def is_sufficient(log_format: str) -> bool:
    """Whether a format says when, to which server and for how long."""
    names = _names(log_format)
    return all(name in names for name in _NEEDED) and any(name in names for name in _TIMES)


def compiled(log_format: str) -> Pattern[str]:
    """A pattern with a group for each variable of the format that is needed here."""
    kept = set(_KEPT)
    parts = []
    at = 0
    for found in _VARIABLE.finditer(log_format):
        parts.append(re.escape(log_format[at : found.start()]))
        name, at = found.group(1) or found.group(2), found.end()
        shape = _shape(name, log_format[at : at + 1])
        parts.append("(?P<%s>%s)" % (name, shape) if name in kept else "(?:%s)" % shape)
        kept.discard(name)
    return re.compile("%s%s$" % ("".join(parts), re.escape(log_format[at:])))


def _shape(name: str, behind: str) -> str:
    if behind == '"':
        return _QUOTED
    if name in _SHAPES:
        return _SHAPES[name]
    return "[^%s]*" % re.escape(behind) if behind and behind != "$" else r"\S*?"


def when(fields: Mapping[str, str]) -> Optional[float]:
    """Seconds since the epoch at the end of the request; None when the line does not say."""
    try:
        if "msec" in fields:
            return float(fields["msec"])
        return _seconds(fields.get("time_iso8601"), fields.get("time_local"))
    except ValueError:
        return None


# Many lines bear the same second, and strptime is slow.
@lru_cache(maxsize=16)
def _seconds(iso8601: Optional[str], local: Optional[str]) -> float:
    if iso8601 is not None:
        return datetime.strptime(_without_colon(iso8601), "%Y-%m-%dT%H:%M:%S%z").timestamp()
    return datetime.strptime(str(local), "%d/%b/%Y:%H:%M:%S %z").timestamp()


def _without_colon(stamp: str) -> str:
    """``+01:00`` as ``+0100``, which is what strptime takes on every Python."""
    return stamp[:-3] + stamp[-2:] if stamp[-3:-2] == ":" else stamp


def _names(log_format: str) -> set[str]:
    return {found.group(1) or found.group(2) for found in _VARIABLE.finditer(log_format)}
