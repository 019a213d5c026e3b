# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading an access log by its own ``log_format`` (https://nginx.org/en/docs/http/ngx_http_log_module.html)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Mapping, Optional, Pattern

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_NEEDED = ("upstream_addr", "upstream_response_time")
_TIMES = ("msec", "time_iso8601", "time_local")


def is_sufficient(log_format: str) -> bool:
    """Whether a format says when, to which server and for how long."""
    names = _names(log_format)
    return all(name in names for name in _NEEDED) and any(name in names for name in _TIMES)


def compiled(log_format: str) -> Pattern[str]:
    """A pattern with a group for each variable of the format that is needed here."""
    kept = {*_NEEDED, *_TIMES, "upstream_status"}
    parts = []
    at = 0
    for found in _VARIABLE.finditer(log_format):
        parts.append(re.escape(log_format[at : found.start()]))
        name = found.group(1) or found.group(2)
        parts.append("(?P<%s>.*?)" % name if name in kept else ".*?")
        kept.discard(name)
        at = found.end()
    return re.compile("%s%s$" % ("".join(parts), re.escape(log_format[at:])))


def when(fields: Mapping[str, str]) -> Optional[float]:
    """Seconds since the epoch at the end of the request; None when the line does not say."""
    try:
        if "msec" in fields:
            return float(fields["msec"])
        if "time_iso8601" in fields:
            return datetime.strptime(_without_colon(fields["time_iso8601"]), "%Y-%m-%dT%H:%M:%S%z").timestamp()
        return datetime.strptime(fields["time_local"], "%d/%b/%Y:%H:%M:%S %z").timestamp()
    except ValueError:
        return None


def _without_colon(stamp: str) -> str:
    """``+01:00`` as ``+0100``, which is what strptime takes on every Python."""
    return stamp[:-3] + stamp[-2:] if stamp[-3:-2] == ":" else stamp


def _names(log_format: str) -> set[str]:
    return {found.group(1) or found.group(2) for found in _VARIABLE.finditer(log_format)}
