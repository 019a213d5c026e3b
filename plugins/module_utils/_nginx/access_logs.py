# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a configuration says that proxied requests are logged, and how.

``access_log`` is inherited only by levels that have none of their own
(https://nginx.org/en/docs/http/ngx_http_log_module.html#access_log).
"""

from __future__ import annotations

from typing import Mapping, NamedTuple

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import effective as nginx_effective
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import log_format as nginx_log_format
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed, Tree

#: What nginx has built in.
COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)


class Log(NamedTuple):
    """``path`` as it is written; ``format`` is the text of ``log_format``, without ``escape=``."""

    path: str
    format: str


def logs(tree: Tree) -> list[Log]:
    """The access logs that carry time, address and response time of every attempt; each once."""
    formats = _formats(tree)
    found = [
        log
        for placed in tree.all
        if placed.name == "access_log" and placed.context[:1] == ("http",)
        for log in _log(placed, formats)
    ]
    return list(dict.fromkeys(filter(is_sufficient, found)))


def of(tree: Tree, place: Placed, default_path: str) -> list[Log]:
    """The logs that a request gets which is handled by this directive, those to files; empty for none."""
    formats = _formats(tree)
    for block in nginx_effective.levels(place):
        own = [child for child in tree.children(block) if child.name == "access_log"]
        if own:
            return [log for placed in own for log in _log(placed, formats)]
    return [Log(default_path, COMBINED)]


def is_sufficient(log: Log) -> bool:
    """Whether it says when, to which server and for how long."""
    return nginx_log_format.is_sufficient(log.format)


def _log(access_log: Placed, formats: Mapping[str, str]) -> list[Log]:
    """In a list that is empty when requests go elsewhere, or nowhere."""
    values = access_log.statement.values
    if not values or values[0].startswith("syslog:") or "$" in values[0] or values[0] == "off":
        return []
    named = [value for value in values[1:2] if "=" not in value]
    return [Log(values[0], formats.get(named[0] if named else "combined", ""))]


def _formats(tree: Tree) -> dict[str, str]:
    found = {log.statement.values[0]: log for log in tree.named("log_format", "http") if log.statement.values}
    return {"combined": COMBINED, **{name: _text(placed) for name, placed in found.items()}}


def _text(log_format: Placed) -> str:
    parts = log_format.statement.values[1:]
    return "".join(part for index, part in enumerate(parts) if index or not part.startswith("escape="))
