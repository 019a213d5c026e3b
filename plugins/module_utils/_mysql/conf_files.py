# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option files of MariaDB and MySQL on disk, with all they include, or as they would be after a change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping, NamedTuple, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._mysql import conf as mysql_conf
from ansible_collections.closewait.remediation.plugins.module_utils._mysql.conf import Line, MysqlConfError

_DEEPEST = 10


class Tree(NamedTuple):
    """All lines in the order in which they take effect, and the paths that were read."""

    lines: list[Line]
    paths: list[str]


def read_tree(mains: Sequence[str], instead: Mapping[str, str]) -> Tree:
    """Those of the files that exist, and what they include. ``instead``: path -> text to assume.

    Raises MysqlConfError.
    """
    tree = Tree([], [])
    for main in mains:
        if main in instead or os.path.exists(main):
            _read(main, instead, tree, 0)
    return tree


def _read(path: str, instead: Mapping[str, str], tree: Tree, depth: int) -> None:
    if depth == _DEEPEST:
        raise MysqlConfError("%s: includes go deeper than %d files" % (path, _DEEPEST))
    tree.paths.append(path)
    for line in mysql_conf.parse(path, _text(path, instead)):
        if line.kind == "option":
            tree.lines.append(line)
            continue
        for included in [line.name] if line.kind == "include" else _listed(line.name, instead):
            _read(included, instead, tree, depth + 1)


def _listed(folder: str, instead: Mapping[str, str]) -> list[str]:
    """Files of a folder that are read, in the order of their names."""
    try:
        present = {os.path.join(folder, name) for name in os.listdir(folder)}
    except OSError as exc:
        raise MysqlConfError("%s cannot be read: %s" % (folder, exc.strerror)) from exc
    folder = folder.rstrip("/")
    assumed = {path for path in instead if os.path.dirname(path) == folder}
    return sorted(path for path in {os.path.normpath(item) for item in present} | assumed if path.endswith(".cnf"))


def _text(path: str, instead: Mapping[str, str]) -> str:
    if path in instead:
        return instead[path]
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as exc:
        raise MysqlConfError("%s cannot be read: %s" % (path, exc.strerror)) from exc
