# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``proxy_*`` directives changed where they stand."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import effective as nginx_effective
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed, Tree
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import edits as nginx_edits
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.edits import Edit
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Wanted, same


def edits(tree: Tree, wanted: Wanted) -> list[Edit]:
    """Every standing directive that is meant gets the value; where none stands, one is added.

    Raises PlanError when nothing that is proxied is meant.
    """
    meant = nginx_effective.in_scope(tree, wanted.only)
    if not meant:
        raise PlanError(
            f"nothing is proxied to {' or '.join(wanted.only) or 'any server'} here: no proxy_pass was found"
        )
    return [edit for name, value in wanted.proxy.items() for edit in _edits(tree, name, value, meant)]


def _edits(tree: Tree, name: str, value: str, meant: list[Placed]) -> list[Edit]:
    others = [placed for placed in nginx_effective.proxied(tree) if placed not in meant]
    kept = {found.position for found in _standing(tree, name, others)}
    standing = tree_wide(tree, name) if not others else _standing(tree, name, meant)
    changed = {found.position: found for found in standing if found.position not in kept}
    alone = [placed for placed in meant if _needs_own(tree, name, placed, kept)]
    for placed in alone:
        _refuse_shared(tree, name, placed)
    return [
        *(_changed(tree, found, value) for found in changed.values() if not _has(found, value)),
        *_added(tree, f"{name} {value};", alone, at_http=not any(_is_default(tree, name, other) for other in others)),
    ]


def tree_wide(tree: Tree, name: str) -> list[Placed]:
    """Every directive of that name in http, whether something is proxied below it or not."""
    return [placed for placed in tree.all if placed.name == name and _is_of_http(placed)]


def _is_of_http(placed: Placed) -> bool:
    return placed.context[:1] == ("http",) and placed.context[-1] in nginx_effective.LEVELS


def _standing(tree: Tree, name: str, places: Iterable[Placed]) -> list[Placed]:
    found = [nginx_effective.effective(tree, name, placed) for placed in places]
    return [placed for placed in found if placed is not None]


def _needs_own(tree: Tree, name: str, placed: Placed, kept: set[tuple[str, int]]) -> bool:
    found = nginx_effective.effective(tree, name, placed)
    return found is None or found.position in kept


def _refuse_shared(tree: Tree, name: str, placed: Placed) -> None:
    found = nginx_effective.effective(tree, name, placed)
    if found is not None and found.parents[-1] is nginx_effective.levels(placed)[0]:
        raise PlanError(
            f"{found.where()}: {name} stands there once for several places, not all of them meant: widen only"
        )


def _is_default(tree: Tree, name: str, placed: Placed) -> bool:
    return nginx_effective.effective(tree, name, placed) is None


def _has(placed: Placed, value: str) -> bool:
    return same(placed.name, " ".join(placed.statement.values), value)


def _changed(tree: Tree, placed: Placed, value: str) -> Edit:
    return nginx_edits.with_values(placed, tree.documents.texts[placed.path], value)


def _added(tree: Tree, line: str, alone: list[Placed], *, at_http: bool) -> list[Edit]:
    """One line in http when that reaches all that need it and nothing else; else one in each location."""
    name = line.partition(" ")[0]
    if alone and at_http and all(_is_default(tree, name, placed) for placed in alone):
        block = alone[0].parents[0]
        return [nginx_edits.line_inside(block.path, block.statement, tree.documents.texts[block.path], line)]
    found = {edit.start: edit for edit in (_beside(tree, placed, line) for placed in alone)}
    return list(found.values())


def _beside(tree: Tree, proxy_pass: Placed, line: str) -> Edit:
    holder = nginx_effective.levels(proxy_pass)[0]
    text = tree.documents.texts[holder.path]
    if proxy_pass.parents[-1] is holder and proxy_pass.path == holder.path:
        return nginx_edits.line_after(holder.path, proxy_pass.statement, text, line)
    return nginx_edits.line_inside(holder.path, holder.statement, text, line)
