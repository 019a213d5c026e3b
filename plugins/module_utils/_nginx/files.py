# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an nginx configuration: the main one and what it includes, followed as nginx does."""

from __future__ import annotations

import glob
import os
import re
from typing import Iterator, NamedTuple, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import syntax as nginx_syntax

_WILDCARD = re.compile(r"[*?\[]")
_MOST_FILES = 2000


class ConfigError(Exception):
    """The configuration cannot be read as a whole; the text says which file and why."""


class Files(NamedTuple):
    """``contents``: real path -> bytes; ``includes``: resolved pattern -> real paths; ``main``: a real path.

    A file that is included under two names, as through a symbolic link, is there once.
    """

    main: str
    contents: dict[str, bytes]
    includes: dict[str, list[str]]


def read(main: str) -> Files:
    """Follow every ``include``. Raises ConfigError, OSError."""
    folder = os.path.dirname(os.path.abspath(main))
    files = Files(os.path.realpath(main), {}, {})
    waiting = [files.main]
    while waiting:
        path = waiting.pop()
        if path in files.contents:
            continue
        if len(files.contents) >= _MOST_FILES:
            raise ConfigError("more than %d files are included" % _MOST_FILES)
        with open(path, "rb") as stream:
            files.contents[path] = stream.read()
        for pattern in _patterns(path, files.contents[path], folder):
            files.includes[pattern] = _matching(pattern, path)
            waiting += files.includes[pattern]
    return files


def _patterns(path: str, content: bytes, folder: str) -> Iterator[str]:
    try:
        statements = nginx_syntax.parse(content.decode("latin-1"))
    except nginx_syntax.SyntaxFaultError as exc:
        raise ConfigError("%s, %s" % (path, exc)) from exc
    for statement in _every(statements):
        if statement.name == "include" and len(statement.words) == 2:
            yield resolve(statement.values[0], folder)


def _every(statements: Tuple[nginx_syntax.Statement, ...]) -> Iterator[nginx_syntax.Statement]:
    for statement in statements:
        yield statement
        yield from _every(statement.block or ())


def resolve(value: str, folder: str) -> str:
    """The path or pattern that an ``include`` means: relative to the folder of the main file, in every file."""
    return os.path.join(folder, value.encode("latin-1").decode("utf-8", "surrogateescape"))


def _matching(pattern: str, path: str) -> list[str]:
    if not _WILDCARD.search(pattern):
        if not os.path.exists(pattern):
            raise ConfigError("%s includes %s, which does not exist" % (path, pattern))
        return [os.path.realpath(pattern)]
    return [os.path.realpath(found) for found in sorted(glob.glob(pattern), key=os.fsencode)]
