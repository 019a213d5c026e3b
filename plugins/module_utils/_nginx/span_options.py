# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests count for the ``nginx`` subset: the options of the modules that gather it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, Mapping, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._nginx.span import Span

_DEFAULT = Span()
_ISO = "%Y-%m-%dT%H:%M:%SZ"
ARGUMENTS: Dict[str, Any] = {
    "nginx_window": {"type": "float", "default": _DEFAULT.window},
    "nginx_since": {"type": "str"},
    "nginx_max_bytes": {"type": "int", "default": _DEFAULT.max_bytes},
    "nginx_upstreams": {"type": "list", "elements": "str", "default": []},
}


def span(params: Mapping[str, Any]) -> Span:
    """Raises ValueError with a line that names the option."""
    if params["nginx_window"] <= 0:
        raise ValueError("nginx_window must be more than 0 seconds, not %g" % params["nginx_window"])
    if params["nginx_max_bytes"] < 1:
        raise ValueError("nginx_max_bytes must be at least 1, not %d" % params["nginx_max_bytes"])
    return Span(params["nginx_window"], _since(params["nginx_since"]), params["nginx_max_bytes"])


def _since(text: Optional[str]) -> Optional[float]:
    if text is None:
        return None
    try:
        return datetime.strptime(text, _ISO).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise ValueError(
            "nginx_since: %r is neither like 2026-01-03T08:30:00Z nor seconds since the epoch" % text
        ) from None
