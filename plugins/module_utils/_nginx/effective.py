# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which value of a ``proxy_*`` directive counts where something is proxied: the innermost one wins."""

from __future__ import annotations

import re
from typing import Optional, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed, Tree

#: The directives of https://nginx.org/en/docs/http/ngx_http_proxy_module.html that concern us, and nginx's defaults.
DEFAULTS = {
    "proxy_connect_timeout": "60s",
    "proxy_send_timeout": "60s",
    "proxy_read_timeout": "60s",
    "proxy_next_upstream": "error timeout",
    "proxy_next_upstream_tries": "0",
    "proxy_next_upstream_timeout": "0",
}
#: The blocks that may hold such a directive. In a map the same word is a value.
LEVELS = ("http", "server", "location")
_TARGET = re.compile(r"https?://([^/:]+)")


def proxied(tree: Tree) -> list[Placed]:
    """Every ``proxy_pass`` of http."""
    return [placed for placed in tree.all if placed.name == "proxy_pass" and placed.context[:1] == ("http",)]


def target(proxy_pass: Placed) -> Optional[str]:
    """The upstream or host that it names; None where a variable says so at run time."""
    value = proxy_pass.statement.values[0] if proxy_pass.statement.values else ""
    found = _TARGET.match(value)
    return found.group(1) if found and "$" not in found.group(1) else None


def in_scope(tree: Tree, only: Sequence[str]) -> list[Placed]:
    """The ``proxy_pass`` that are meant; all when ``only`` is empty."""
    return [placed for placed in proxied(tree) if not only or target(placed) in only]


def levels(proxy_pass: Placed) -> list[Placed]:
    """The blocks around it that may hold such a directive, from the innermost."""
    return [block for block in reversed(proxy_pass.parents) if block.name in LEVELS]


def effective(tree: Tree, name: str, proxy_pass: Placed) -> Optional[Placed]:
    """The directive that counts there; None for nginx's default."""
    for block in levels(proxy_pass):
        for child in tree.children(block):
            if child.name == name:
                return child
    return None


def value(tree: Tree, name: str, proxy_pass: Placed) -> str:
    """The value that counts there."""
    found = effective(tree, name, proxy_pass)
    return DEFAULTS[name] if found is None else " ".join(found.statement.values)
