# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and wishes in, changed files out. Pure: nothing is read or written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import tree as nginx_tree
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Documents, Tree
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import blocks as nginx_blocks
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import edits as nginx_edits
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import proof as nginx_proof
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import proxy_edits as nginx_proxy_edits
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import refusals as nginx_refusals
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import shadows as nginx_shadows
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import snippet as nginx_snippet
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.edits import Edit
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.shadows import Shadow
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Snippet, Wanted


@dataclass(frozen=True)
class Given:
    """What is there: the files, the snippet's text (None: no such file), and nginx's own ``access_log``.

    ``keeps``: whether this nginx keeps connections to upstreams unless told otherwise.
    """

    documents: Documents
    snippet: str | None
    default_log: str
    keeps: bool


@dataclass(frozen=True)
class Change:
    """One file: its texts, and the lines of this collection in them, for a diff. ``before`` None: it is new."""

    path: str
    before: str | None
    after: str
    shown_before: str
    shown_after: str


@dataclass(frozen=True)
class Plan:
    """``changes`` in the order of writing: a file that includes others comes last."""

    changes: tuple[Change, ...]
    warnings: tuple[str, ...]
    shadowed: tuple[Shadow, ...]
    before: Tree
    after: Tree


def plan(given: Given, wanted: Wanted) -> Plan:
    """Raises PlanError when it cannot be done or must not be."""
    planned = _planned(given, wanted)
    nginx_proof.check(planned.before, planned.after, wanted)
    _check_idempotent(given, wanted, planned)
    return planned


def _planned(given: Given, wanted: Wanted) -> Plan:
    before = Tree(given.documents)
    edits = _in_place(before, wanted)
    between = Tree(_edited(given.documents, edits))
    snippet = nginx_snippet.text(between, wanted, _current_snippet(between, given, wanted), given.default_log)
    more = [] if snippet is None else nginx_snippet.include_line(between, wanted.snippet.path)
    after = Tree(_with_snippet(_edited(between.documents, more), wanted.snippet, snippet))
    warnings = nginx_refusals.check(after, wanted, keeps=given.keeps)
    shadowed = nginx_shadows.found(after, wanted)
    return Plan(_changes(given, wanted, after, [*edits, *more]), tuple(warnings), tuple(shadowed), before, after)


def _in_place(tree: Tree, wanted: Wanted) -> list[Edit]:
    edits = [edit for upstream in wanted.upstreams for edit in nginx_blocks.edits(tree, upstream)]
    if wanted.proxy and not wanted.snippet.settings:
        edits += nginx_proxy_edits.edits(tree, wanted)
    return edits


def _edited(documents: Documents, edits: Sequence[Edit]) -> Documents:
    return replace(documents, texts={**documents.texts, **nginx_edits.applied(documents.texts, edits)})


def _current_snippet(tree: Tree, given: Given, wanted: Wanted) -> str | None:
    return tree.documents.texts.get(wanted.snippet.path, given.snippet)


def _with_snippet(documents: Documents, snippet: Snippet, text: str | None) -> Documents:
    if text is None:
        return documents
    tree = Tree(
        replace(documents, texts={**documents.texts, snippet.path: text}, includes=_filled(documents, snippet.path))
    )
    return tree.documents


def _filled(documents: Documents, path: str) -> dict[str, Sequence[str]]:
    """What the patterns match when there is a file of that path, too. nginx sorts what a pattern matches."""
    from_line = nginx_files.resolve(path, documents.folder)
    filled: dict[str, Sequence[str]] = {**documents.includes, from_line: [path]}
    for pattern, paths in documents.includes.items():
        if path not in paths and nginx_tree.matches(pattern, path):
            filled[pattern] = sorted([*paths, path])
    return filled


def _changes(given: Given, wanted: Wanted, after: Tree, edits: Sequence[Edit]) -> tuple[Change, ...]:
    old, new = given.documents.texts, after.documents.texts
    snippet, main = wanted.snippet.path, given.documents.main
    paths = [path for path in new if new[path] != old.get(path, given.snippet if path == snippet else None)]
    ordered = sorted(paths, key=lambda path: (path == main, path != snippet, path))
    return tuple(_change(path, old.get(path, given.snippet), new[path], edits, own=path == snippet) for path in ordered)


def _change(path: str, before: str | None, after: str, edits: Sequence[Edit], *, own: bool) -> Change:
    if own:
        return Change(path, before, after, before or "", after)
    mine = sorted((edit for edit in edits if edit.path == path), key=lambda edit: edit.start)
    shown = "".join(edit.before for edit in mine), "".join(edit.after for edit in mine)
    return Change(path, before, after, *shown)


def _check_idempotent(given: Given, wanted: Wanted, planned: Plan) -> None:
    documents = planned.after.documents
    again = _planned(replace(given, documents=documents, snippet=documents.texts.get(wanted.snippet.path)), wanted)
    if again.changes:
        paths = ", ".join(change.path for change in again.changes)
        raise PlanError(f"{paths}: the change would not have the wanted effect, so nothing was changed")
