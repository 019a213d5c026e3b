# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After planning: crossplane has to find the wanted directives changed, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import effective as nginx_effective
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.effective import DEFAULTS
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Tree
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import crossplane as nginx_crossplane
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.crossplane import Node
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Wanted

_PARAMETERS = ("max_fails=", "fail_timeout=")


def check(before: Tree, after: Tree, wanted: Wanted) -> None:
    """Raises PlanError when anything differs that was not to be changed."""
    changed = {path for path, text in after.documents.texts.items() if text != before.documents.texts.get(path)}
    changed -= {wanted.snippet.path}
    old = _trees(before, changed)
    new = _trees(after, changed)
    for path in sorted(changed):
        if _rest(old[path], wanted) != _rest(new[path], wanted):
            raise PlanError(f"{path}: the change would touch directives that it should not, so nothing was changed")
    _check_others(before, after, wanted)


def _trees(tree: Tree, paths: set[str]) -> Mapping[str, tuple[Node, ...]]:
    return nginx_crossplane.trees({path: tree.documents.texts[path] for path in paths})


def _rest(nodes: tuple[Node, ...], wanted: Wanted) -> tuple[Node, ...]:
    """All but what is wanted: settings, the include of the snippet, parameters of servers, keepalive of upstreams.

    ``nodes``: a file, or a block that may hold such settings.
    """
    return tuple(_rest_of(node, wanted) for node in nodes if not _is_wanted(node, wanted))


def _is_wanted(node: Node, wanted: Wanted) -> bool:
    name, values, block = node
    return block is None and (name in wanted.proxy or (name, values) == ("include", (wanted.snippet.path,)))


def _rest_of(node: Node, wanted: Wanted) -> Node:
    name, values, block = node
    if name == "server" and block is None:
        return name, tuple(value for value in values if value != "down" and not value.startswith(_PARAMETERS)), None
    if block is None:
        return node
    if name == "upstream":
        block = tuple(inner for inner in block if inner[0] not in ("keepalive", "keepalive_timeout"))
        return name, values, tuple(_rest_of(inner, wanted) for inner in block)
    return name, values, _rest(block, wanted) if name in nginx_effective.LEVELS else _inner(block, wanted)


def _inner(block: tuple[Node, ...], wanted: Wanted) -> tuple[Node, ...]:
    """Any other block, as it is but for the blocks in it."""
    return tuple(node if node[2] is None else _rest_of(node, wanted) for node in block)


def _check_others(before: Tree, after: Tree, wanted: Wanted) -> None:
    """What is not meant by ``only`` keeps the values that count there."""
    meant = {place.position for place in nginx_effective.in_scope(before, wanted.only)}
    pairs = zip(nginx_effective.proxied(before), nginx_effective.proxied(after), strict=True)
    for old, new in pairs:
        values = [
            [nginx_effective.value(tree, name, place) for name in DEFAULTS]
            for tree, place in ((before, old), (after, new))
        ]
        if old.position not in meant and values[0] != values[1]:
            raise PlanError(
                f"{old.where()} is not meant, but would change too, for it stands once for several places: widen only"
            )
