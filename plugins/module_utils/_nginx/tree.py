# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration with every ``include`` followed: each directive with the blocks around it."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Iterator, Mapping, Sequence

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import files as nginx_files
from ansible_collections.closewait.remediation.plugins.module_utils._nginx import syntax as nginx_syntax
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.files import ConfigError
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.syntax import Statement

_DEEPEST = 50


@dataclass(frozen=True)
class Documents:
    """The files: ``texts`` (Latin-1) and what each resolved include pattern matches; ``folder`` is that of ``main``.

    ``folder`` is the one that nginx is told, whatever ``main`` as a real path says.
    """

    main: str
    folder: str
    texts: Mapping[str, str]
    includes: Mapping[str, Sequence[str]]


def documents(files: nginx_files.Files, config_file: str) -> Documents:
    """The files that were read from ``config_file``, as it is named."""
    texts = {path: content.decode("latin-1") for path, content in files.contents.items()}
    return Documents(files.main, os.path.dirname(os.path.abspath(config_file)), texts, files.includes)


@dataclass(frozen=True, eq=False)
class Placed:
    """A directive at one place in the tree. A file that is included twice has each of its directives twice."""

    path: str
    statement: Statement
    parents: tuple[Placed, ...]

    @property
    def name(self) -> str:
        """The directive."""
        return self.statement.name

    @property
    def context(self) -> tuple[str, ...]:
        """The names of the blocks around it, from the outermost."""
        return tuple(parent.name for parent in self.parents)

    @property
    def position(self) -> tuple[str, int]:
        """Where it is written; the same for the copies of one directive."""
        return self.path, self.statement.start

    def where(self) -> str:
        """For messages."""
        return f"{self.path}:{self.statement.line}"

    def blocks(self) -> str:
        """The blocks around it, for messages: ``server app.example.com > location /slow``."""
        return " > ".join(_title(parent) for parent in self.parents if parent.name != "http") or "http"


class Tree:
    """All directives, in the order in which nginx reads them."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self._parsed = {path: _parsed(path, text) for path, text in documents.texts.items()}
        self.all = list(self._walk(documents.main, self._parsed[documents.main], (), 0))
        self._children: dict[int, list[Placed]] = {}
        for placed in self.all:
            if placed.parents:
                self._children.setdefault(id(placed.parents[-1]), []).append(placed)

    def children(self, block: Placed) -> list[Placed]:
        """The directives directly in a block, those of included files too."""
        return self._children.get(id(block), [])

    def named(self, name: str, *context: str) -> list[Placed]:
        """The directives of that name directly in these blocks."""
        return [placed for placed in self.all if placed.name == name and placed.context == context]

    def _walk(
        self, path: str, statements: Sequence[Statement], parents: tuple[Placed, ...], depth: int
    ) -> Iterator[Placed]:
        if depth > _DEEPEST:
            raise ConfigError(f"{path}: blocks and includes are nested more than {_DEEPEST} deep")
        for statement in statements:
            placed = Placed(path, statement, parents)
            yield placed
            if statement.block:
                yield from self._walk(path, statement.block, (*parents, placed), depth + 1)
            elif statement.name == "include" and len(statement.values) == 1:
                for included in self._included(statement.values[0]):
                    yield from self._walk(included, self._parsed[included], parents, depth + 1)

    def _included(self, value: str) -> Sequence[str]:
        return self.documents.includes[nginx_files.resolve(value, self.documents.folder)]


def includes(tree: Tree, path: str) -> bool:
    """Whether the http level would read a file of that path."""
    patterns = [placed.statement.values[0] for placed in tree.named("include", "http")]
    return any(matches(nginx_files.resolve(value, tree.documents.folder), path) for value in patterns)


def matches(pattern: str, path: str) -> bool:
    """Whether glob(7) finds the path by the pattern: a wildcard crosses no slash and no leading dot."""
    wanted, found = PurePosixPath(pattern).parts, PurePosixPath(path).parts
    return len(wanted) == len(found) and all(map(_part_matches, wanted, found))


def _part_matches(pattern: str, part: str) -> bool:
    hidden = part.startswith(".") and not pattern.startswith(".")
    return not hidden and fnmatch.fnmatchcase(part, pattern)


def _parsed(path: str, text: str) -> tuple[Statement, ...]:
    try:
        return nginx_syntax.parse(text)
    except nginx_syntax.SyntaxFaultError as exc:
        raise ConfigError(f"{path}, {exc}") from exc


def _title(block: Placed) -> str:
    names = [child.values[0] for child in block.statement.block or () if child.name == "server_name" and child.values]
    return " ".join([block.name, *(block.statement.values or tuple(names))])
