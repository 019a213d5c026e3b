# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inner level sets itself, so that a value of http does not reach it."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed, Tree
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Wanted, same


class Shadow(NamedTuple):
    """``blocks`` such as ``server app.example.com > location /slow``, where ``value`` counts instead."""

    setting: str
    path: str
    line: int
    blocks: str
    value: str


def found(tree: Tree, wanted: Wanted) -> list[Shadow]:
    """What hides the settings of the snippet, and its log; each directive once."""
    names = dict(wanted.proxy) if wanted.snippet.settings else {}
    hiding = [placed for placed in tree.all if placed.name in names and _is_inner(placed)]
    shadows = [_shadow(placed) for placed in hiding if not same(placed.name, _value(placed), names[placed.name])]
    if wanted.snippet.log:
        shadows += [_shadow(placed) for placed in tree.all if placed.name == "access_log" and _hides_log(placed)]
    return list(dict.fromkeys(shadows))


def _is_inner(placed: Placed) -> bool:
    return placed.context[:1] == ("http",) and placed.context[-1] in ("server", "location", "if", "limit_except")


def _hides_log(placed: Placed) -> bool:
    off = placed.statement.values[:1] == ("off",)
    return _is_inner(placed) or (off and placed.context == ("http",))


def _shadow(placed: Placed) -> Shadow:
    return Shadow(placed.name, placed.path, placed.statement.line, placed.blocks(), _value(placed))


def _value(placed: Placed) -> str:
    return " ".join(placed.statement.values)
