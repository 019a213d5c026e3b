# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's own file, read at the http level."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import tree as nginx_tree
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.effective import DEFAULTS
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Tree
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx import edits as nginx_edits
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.edits import Edit
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.plan_error import PlanError
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Snippet, Wanted

MARK = "# Written by closewait.remediation.nginx_upstream. What is changed by hand here is lost."
FORMAT = "closewait_upstream"
#: $uri, not $request: what follows a question mark may be a secret.
_LOG_FORMAT = (
    f'log_format {FORMAT} \'$remote_addr $msec $request_method "$uri" $status $request_time "$upstream_addr" \'\n'
    '    \'"$upstream_connect_time" "$upstream_header_time" "$upstream_response_time" "$upstream_status"\';'
)


def text(tree: Tree, wanted: Wanted, present: str | None, default_log: str) -> str | None:
    """What the file shall be; None when it is not needed. ``present``: what it is, None when there is none.

    What an earlier run put there stays unless it is set anew. ``default_log`` is where nginx logs when no
    ``access_log`` says so; to set one ends that, so it is set as well. Raises PlanError.
    """
    if present is not None and not present.startswith(MARK):
        raise PlanError(f"{wanted.snippet.path} exists and is not of this role: set snippet_file to another path")
    lines = [*_settings(tree, wanted, present), *_log(tree, wanted.snippet, present, default_log)]
    if not lines and present is None:
        return None
    return "\n".join([MARK, *lines, ""])


def include_line(tree: Tree, path: str) -> list[Edit]:
    """The ``include`` in http, unless the file is read already."""
    if nginx_tree.includes(tree, path):
        return []
    http = http_block(tree)
    return [nginx_edits.line_inside(http.path, http.statement, tree.documents.texts[http.path], f"include {path};")]


def http_block(tree: Tree) -> nginx_tree.Placed:
    """Raises PlanError when there is none."""
    found = tree.named("http")
    if not found:
        raise PlanError(f"{tree.documents.main} has no http block")
    return found[0]


def _settings(tree: Tree, wanted: Wanted, present: str | None) -> list[str]:
    values = _of_file(tree, wanted.snippet.path) if present is not None else {}
    if wanted.snippet.settings:
        for name in wanted.proxy:
            _refuse_twice(tree, name, wanted.snippet.path)
        values = {**values, **wanted.proxy}
    return [f"{name} {values[name]};" for name in DEFAULTS if name in values]


def _of_file(tree: Tree, path: str) -> dict[str, str]:
    statements = nginx_tree.Tree(nginx_tree.Documents(path, "/", {path: tree.documents.texts[path]}, {})).all
    return {placed.name: " ".join(placed.statement.values) for placed in statements if placed.name in DEFAULTS}


def _refuse_twice(tree: Tree, name: str, path: str) -> None:
    for placed in tree.named(name, "http"):
        if placed.path != path:
            raise PlanError(
                f"{name} is set in http already ({placed.where()}), and nginx takes it once: use placement in_place"
            )


def _log(tree: Tree, snippet: Snippet, present: str | None, default_log: str) -> list[str]:
    enabled = snippet.log if snippet.log is not None else f"log_format {FORMAT} " in (present or "")
    if not enabled:
        return []
    path = snippet.log_path if snippet.log is not None else _log_path(tree, snippet.path)
    others = [placed for placed in tree.named("access_log", "http") if placed.path != snippet.path]
    kept = [] if others else [f"access_log {default_log} combined;"]
    return [_LOG_FORMAT, *kept, f"access_log {path} {FORMAT};"]


def _log_path(tree: Tree, path: str) -> str:
    logs = [log for log in tree.named("access_log", "http") if log.path == path and FORMAT in log.statement.values]
    return logs[0].statement.values[0]
