# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that hold what is wanted: the running workers must have read them as they are."""

from __future__ import annotations

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import upstreams as nginx_upstreams
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Tree
from ansible_collections.closewait.remediation.plugins.plugin_utils._nginx.wanted import Wanted


def files(after: Tree, wanted: Wanted) -> list[str]:
    """Paths, each once."""
    names = {upstream.name for upstream in wanted.upstreams}
    blocks = [block for block in nginx_upstreams.blocks(after) if block.statement.values[0] in names]
    found = {placed.path for block in blocks for placed in (block, *after.children(block))}
    found |= {placed.path for placed in after.all if placed.name in wanted.proxy and placed.context[:1] == ("http",)}
    if wanted.snippet.log is not None and wanted.snippet.path in after.documents.texts:
        found.add(wanted.snippet.path)
    return sorted(found)
