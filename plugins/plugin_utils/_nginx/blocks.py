# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upstream blocks: their servers, and the changes of them."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import upstreams as nginx_upstreams
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.syntax import Word
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed, Tree
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import edits as nginx_edits
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.edits import Edit
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Server, Upstream, same


def find(tree: Tree, name: str) -> Placed:
    """Raises PlanError when there is none of that name."""
    for block in nginx_upstreams.blocks(tree):
        if block.statement.values[:1] == (name,):
            return block
    names = ", ".join(" ".join(block.statement.values) for block in nginx_upstreams.blocks(tree)) or "none"
    raise PlanError(f"there is no upstream {name} in http here (there are: {names})")


def edits(tree: Tree, upstream: Upstream) -> list[Edit]:
    """Raises PlanError when the block or one of the servers is not there."""
    block = find(tree, upstream.name)
    own = {address_of: server for server in upstream.servers for address_of in _found(tree, block, server)}
    changes = [
        _server_edits(tree, line, upstream, own.get(line.position)) for line in nginx_upstreams.servers(tree, block)
    ]
    return [*(edit for found in changes for edit in found), *_keepalive_edits(tree, block, upstream)]


def _found(tree: Tree, block: Placed, server: Server) -> list[tuple[str, int]]:
    lines = nginx_upstreams.servers(tree, block)
    found = [line for line in lines if server.address in (nginx_upstreams.address(line), line.statement.values[0])]
    if not found:
        there = ", ".join(line.statement.values[0] for line in lines)
        name = block.statement.values[0]
        raise PlanError(f"upstream {name} has no server {server.address} (it has: {there})")
    return [line.position for line in found]


def _server_edits(tree: Tree, line: Placed, upstream: Upstream, own: Server | None) -> list[Edit]:
    max_fails = upstream.max_fails if own is None or own.max_fails is None else own.max_fails
    fail_timeout = upstream.fail_timeout if own is None or own.fail_timeout is None else own.fail_timeout
    wanted = {"max_fails": max_fails, "fail_timeout": fail_timeout}
    changes: dict[Word, str] = {}
    added: list[str] = []
    for name, value_of in wanted.items():
        if value_of is not None:
            _parameter_change(line, name, str(value_of), changes, added)
    if own and own.state:
        _state_change(line, own.state, changes, added)
    return nginx_edits.with_words(line, tree.documents.texts[line.path], changes, " ".join(added))


def _parameter_change(line: Placed, name: str, wanted: str, changes: dict[Word, str], added: list[str]) -> None:
    words = [word for word in line.statement.words[2:] if word.value.startswith(f"{name}=")]
    if not words:
        added.append(f"{name}={wanted}")
    elif not same(name, words[-1].value.partition("=")[2], wanted):
        changes[words[-1]] = f"{name}={wanted}"


def _state_change(line: Placed, state: str, changes: dict[Word, str], added: list[str]) -> None:
    words = [word for word in line.statement.words[2:] if word.value == "down"]
    if state == "down" and not words:
        added.append("down")
    if state == "up":
        changes.update(dict.fromkeys(words, ""))


def _keepalive_edits(tree: Tree, block: Placed, upstream: Upstream) -> list[Edit]:
    wanted = {"keepalive": upstream.keepalive, "keepalive_timeout": upstream.keepalive_timeout}
    found = []
    for name, value_of in wanted.items():
        if value_of is not None:
            found += _directive_edits(tree, block, name, str(value_of))
    return found


def _directive_edits(tree: Tree, block: Placed, name: str, wanted: str) -> list[Edit]:
    standing = [child for child in tree.children(block) if child.name == name]
    if not standing:
        # At the end: keepalive has to follow the balancing method, or nginx drops it.
        text = tree.documents.texts[block.path]
        return [nginx_edits.line_inside(block.path, block.statement, text, f"{name} {wanted};")]
    last = standing[-1]
    if same(name, last.statement.values[0], wanted):
        return []
    return [nginx_edits.with_values(last, tree.documents.texts[last.path], wanted)]
