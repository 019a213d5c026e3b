# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A redis.conf and all it includes, as Redis reads them from disk, or as it would after a change."""

from __future__ import annotations

import fnmatch
import glob
import os
from pathlib import Path
from typing import Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf import ConfError, Line, parse

_DEEPEST = 16
_WILDCARDS = "*?["


class Tree(NamedTuple):
    """A configuration as a whole.

    ``lines``: all directives in the order in which they take effect, includes replaced by what they include;
    ``texts``: path -> text of every file read; ``patterns``: absolute patterns of the includes with wildcards.
    """

    lines: list[Line]
    texts: dict[str, str]
    patterns: list[str]


def read_tree(main: str, instead: Optional[Mapping[str, str]] = None) -> Tree:
    """The file and its includes. ``instead``: texts to assume for some paths. Raises ConfError."""
    reader = _Reader(instead or {})
    reader.read(main, ())
    return reader.tree


def matches(pattern: str, path: str) -> bool:
    """Whether glob(3) would return this path for the pattern: a wildcard spans no slash and no leading dot."""
    parts, names = pattern.split("/"), path.split("/")
    return len(parts) == len(names) and all(_part_matches(part, name) for part, name in zip(parts, names))


class _Reader:
    def __init__(self, instead: Mapping[str, str]) -> None:
        self.tree = Tree([], {}, [])
        self._instead = instead
        self._folder: Optional[str] = None
        self._open: list[str] = []

    def read(self, path: str, globs: tuple[str, ...]) -> None:
        if path in self._open or len(self._open) == _DEEPEST:
            raise ConfError("%s includes itself (%s)" % (path, " > ".join(self._open)))
        self._open.append(path)
        text = self._text(path)
        self.tree.texts[path] = text
        for line in parse(path, text, globs):
            self._take(line)
        self._open.pop()

    def _take(self, line: Line) -> None:
        if line.name == "include" and len(line.words) == 2:
            self._include(line)
            return
        if line.name == "dir" and len(line.words) == 2:
            # Redis changes into it as it reads the line, so relative includes below start from here.
            self._folder = line.words[1] if os.path.isabs(line.words[1]) else None
        self.tree.lines.append(line)

    def _include(self, line: Line) -> None:
        target = self._absolute(line)
        if not any(letter in target for letter in _WILDCARDS):
            self.read(target, line.globs)
            return
        self.tree.patterns.append(target)
        paths = self._matching(target)
        for path in paths:
            if path != paths[-1] and not self._text(path).endswith("\n") and self._text(path):
                raise ConfError("%s: no newline at its end, so Redis joins its last line with the next file's" % path)
        for path in paths:
            self.read(path, (*line.globs, target))

    def _absolute(self, line: Line) -> str:
        target = line.words[1]
        if os.path.isabs(target):
            return target
        if self._folder is None:
            raise ConfError(
                "%s: include %r is relative, and what to is only known to who starts the server: make it absolute"
                % (line.place, target)
            )
        return os.path.join(self._folder, target)

    def _matching(self, pattern: str) -> list[str]:
        assumed = {path for path in self._instead if matches(pattern, path)}
        return sorted({*glob.glob(pattern), *assumed})

    def _text(self, path: str) -> str:
        return self._instead[path] if path in self._instead else read_text(path)


def read_text(path: str) -> str:
    """One file, to be written back with :func:`encoded`. Raises ConfError."""
    try:
        return decoded(Path(path).read_bytes())
    except OSError as exc:
        raise ConfError("%s cannot be read: %s" % (path, exc.strerror)) from exc


def decoded(raw: bytes) -> str:
    """Text that :func:`encoded` turns into exactly the same bytes again, whatever they are."""
    return raw.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """The bytes that :func:`decoded` was given."""
    return text.encode("utf-8", "surrogateescape")


def _part_matches(part: str, name: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, part)
