# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``upstream`` blocks of http and their servers, as they stand."""

from __future__ import annotations

import re
from typing import Optional

from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed, Tree

_PASSES = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass")
_TARGET = re.compile(r"(?:[a-z]+://)?([^/:]+)")


def blocks(tree: Tree) -> list[Placed]:
    """Every upstream of http."""
    return tree.named("upstream", "http")


def servers(tree: Tree, block: Placed) -> list[Placed]:
    """Its ``server`` lines."""
    return [child for child in tree.children(block) if child.name == "server" and child.statement.values]


def live(tree: Tree, block: Placed) -> list[Placed]:
    """Those that are not ``down``; a backup server is live."""
    return [server for server in servers(tree, block) if "down" not in server.statement.values[1:]]


def address(server: Placed) -> str:
    """With the port that nginx takes when none is given."""
    given = server.statement.values[0]
    bare = given.rpartition("]")[2]
    return given if given.startswith("unix:") or ":" in bare else f"{given}:80"


def states(tree: Tree) -> dict[str, list[dict[str, str]]]:
    """Per upstream its servers, each with address and ``up`` or ``down``."""
    found: dict[str, list[dict[str, str]]] = {}
    for block in blocks(tree):
        alive = live(tree, block)
        rows = [(server.statement.values[0], server in alive) for server in servers(tree, block)]
        found[block.statement.values[0]] = [{"address": name, "state": "up" if up else "down"} for name, up in rows]
    return found


def parameter(server: Placed, name: str) -> Optional[str]:
    """The value of ``name=value``; the last one counts, as in nginx."""
    found = [value.partition("=")[2] for value in server.statement.values[1:] if value.startswith(f"{name}=")]
    return found[-1] if found else None


def value(tree: Tree, block: Placed, name: str) -> Optional[str]:
    """The argument of a directive of the block; None when it is not there."""
    found = [child.statement.values[0] for child in tree.children(block) if child.name == name]
    return found[-1] if found else None


def users(tree: Tree, block: Placed) -> list[Placed]:
    """The directives that pass requests to it, and those that may as a variable says where to."""
    name = block.statement.values[0]
    passes = [placed for placed in tree.all if placed.name in _PASSES and placed.context[:1] == ("http",)]
    return [placed for placed in passes if _may_mean(placed.statement.values[:1], name)]


def _may_mean(values: tuple[str, ...], name: str) -> bool:
    found = _TARGET.match(values[0]) if values else None
    return found is not None and ("$" in found.group(1) or found.group(1) == name)
