# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan asks of the access log: is there room for a longer timeout, or for a server fewer."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import effective as nginx_effective
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import upstreams as nginx_upstreams
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.time import milliseconds
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed, Tree
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import blocks as nginx_blocks
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan import Plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Wanted


@dataclass(frozen=True)
class Question:
    """``addresses`` as nginx logs them; ``servers`` that stay live; ``raised``: by a longer read timeout."""

    upstream: str
    addresses: tuple[str, ...]
    servers: int
    raised: bool


def questions(plan: Plan, wanted: Wanted) -> list[Question]:
    """One for each upstream that gets a longer read timeout, or loses a server."""
    raised = _raised(plan, wanted)
    found = []
    for block in nginx_upstreams.blocks(plan.after):
        name = block.statement.values[0]
        live = len(nginx_upstreams.live(plan.after, block))
        fewer = live < len(nginx_upstreams.live(plan.before, nginx_blocks.find(plan.before, name)))
        if name in raised or fewer:
            addresses = (
                name,
                *(nginx_upstreams.address(server) for server in nginx_upstreams.servers(plan.after, block)),
            )
            found.append(Question(name, addresses, live, name in raised))
    return found


def _raised(plan: Plan, wanted: Wanted) -> set[str]:
    """Names of upstreams; for a snippet only where no inner level hides it."""
    if "proxy_read_timeout" not in wanted.proxy:
        return set()
    pairs = zip(nginx_effective.proxied(plan.before), nginx_effective.proxied(plan.after), strict=True)
    found = {
        nginx_effective.target(new) for old, new in pairs if _read_ms(plan.before, old) < _read_ms(plan.after, new)
    }
    return {name for name in found if name is not None}


def _read_ms(tree: Tree, place: Placed) -> int:
    return milliseconds(nginx_effective.value(tree, "proxy_read_timeout", place))
