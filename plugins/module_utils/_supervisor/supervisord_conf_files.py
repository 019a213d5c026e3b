# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of one supervisord as a whole: its main file and what that includes, read from this machine."""

from __future__ import annotations

import fnmatch
import glob
import os
import platform
from pathlib import Path
from typing import Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisord_conf as conf
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf import (
    ConfError,
    Section,
)


class File(NamedTuple):
    """``path``: real path; ``text``: undecodable bytes are kept as surrogates."""

    path: str
    text: str
    sections: list[Section]


class Tree(NamedTuple):
    """``files``: in the order in which supervisord reads them, the main one first.

    ``patterns``: absolute globs of ``[include] files``. ``expansions``: what ``%(NAME)s`` stands for, as far as known.
    """

    files: list[File]
    patterns: list[str]
    expansions: Mapping[str, str]


class Place(NamedTuple):
    """An option that counts; ``file`` indexes ``Tree.files``."""

    file: int
    option: conf.Option


def encoded(text: str) -> bytes:
    """The bytes of a text from here."""
    return text.encode("utf-8", "surrogateescape")


def read(main: str, environ: Mapping[str, str]) -> Tree:
    """Read everything. ``environ``: environment of supervisord, for ``%(ENV_X)s``. Raises ConfError or OSError."""
    first = _file(main)
    expansions = {"ENV_%s" % name: value for name, value in environ.items()}
    expansions.update(here=os.path.dirname(os.path.abspath(main)), host_node_name=platform.node())
    patterns = _patterns(first, main, expansions)
    files = [first]
    for pattern in patterns:
        files.extend(_file(path) for path in sorted(glob.glob(pattern)) if os.path.isfile(path))
    return Tree(files, patterns, expansions)


def expand(value: str, expansions: Mapping[str, object]) -> Optional[str]:
    """``%(NAME)s`` replaced, ``%%`` too; None when a name in it is not known."""
    try:
        return value % dict(expansions)
    except (KeyError, ValueError, TypeError):
        return None


def place(tree: Tree, section: str, option: str) -> Optional[Place]:
    """Where the value of an option comes from: the last file and line that set it, else ``[DEFAULT]``."""
    for name in (section, "DEFAULT"):
        found = [
            Place(number, item)
            for number, file in enumerate(tree.files)
            for part in file.sections
            if part.name == name
            for item in part.options
            if item.name == option
        ]
        if found:
            return found[-1]
    return None


def value(tree: Tree, section: str, option: str) -> Optional[str]:
    """The value as it stands in the files, not expanded; None when it is in none."""
    found = place(tree, section, option)
    return found.option.value if found else None


def names(tree: Tree) -> list[str]:
    """Every section, each once, in order."""
    return list(dict.fromkeys(part.name for file in tree.files for part in file.sections if part.name != "DEFAULT"))


def check_backup_folder(folder: str, tree: Tree) -> None:
    """Raises ConfError when supervisord would read a backup in that folder as configuration."""
    copy = os.path.join(os.path.realpath(folder), "etc_supervisord.conf.20260101T000000.000000Z")
    for pattern in tree.patterns:
        resolved = os.path.join(os.path.realpath(os.path.dirname(pattern)), os.path.basename(pattern))
        if fnmatch.fnmatchcase(copy, resolved) and os.path.dirname(copy) == os.path.dirname(resolved):
            raise ConfError("backups in %s would be read as configuration (include %s)" % (folder, pattern))


def _patterns(main: File, path: str, expansions: Mapping[str, str]) -> list[str]:
    tree = Tree([main], [], expansions)
    if "include" not in names(tree):
        return []
    words = expand(value(tree, "include", "files") or "", expansions)
    if not words:
        raise ConfError("[include] files of %s cannot be expanded: start supervisord, or name nothing unknown" % path)
    return [os.path.join(str(expansions["here"]), word) for word in words.split()]


def _file(path: str) -> File:
    real = os.path.realpath(path)
    text = Path(real).read_bytes().decode("utf-8", "surrogateescape")
    try:
        return File(real, text, conf.sections(text))
    except ConfError as exc:
        raise ConfError("%s: %s, so supervisord cannot read it either" % (path, exc)) from exc
