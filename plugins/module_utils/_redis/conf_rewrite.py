# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files get which text so that the wanted directives count when Redis next starts. Reads, changes nothing."""

from __future__ import annotations

import os
from typing import Mapping, NamedTuple, Optional

from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf as redis_conf
from ansible_collections.closewait.remediation.plugins.module_utils._redis import conf_files as redis_conf_files
from ansible_collections.closewait.remediation.plugins.module_utils._redis.conf import ConfError


class Rewrite(NamedTuple):
    """A change that is decided and not yet made.

    ``texts``: path -> new text, only of files that change; ``shown``: path -> (before, after), only our own lines;
    ``old``: path -> text that it is made from; ``now`` and ``after``: directive -> value that the files give, None
    where they do not say; ``tree``: as it will be.
    """

    texts: dict[str, str]
    shown: dict[str, tuple[str, str]]
    old: dict[str, str]
    now: dict[str, Optional[str]]
    after: dict[str, Optional[str]]
    tree: redis_conf_files.Tree


class Include(NamedTuple):
    """A file of our own for the directives, and its whole text."""

    path: str
    text: str


def in_place(main: str, wanted: Mapping[str, str]) -> Rewrite:
    """Change the directives where they stand. Raises ConfError."""
    tree = redis_conf_files.read_tree(main)
    edits = redis_conf.changes(main, tree.lines, wanted)
    texts = {}
    shown = {}
    for path in sorted({edit.path for edit in edits}):
        own = [edit for edit in edits if edit.path == path]
        texts[path] = redis_conf.edited(tree.texts[path], own)
        shown[path] = (_listing(own, "before"), _listing(own, "after"))
    return _result(main, wanted, tree.texts, texts, shown)


def by_include(main: str, wanted: Mapping[str, str], include: Include) -> Rewrite:
    """Put the directives into a file of our own, and include it at the end of the main file unless it is included.

    Raises ConfError, also when a directive elsewhere wins all the same.
    """
    _check_path(include.path)
    tree = redis_conf_files.read_tree(main)
    present = redis_conf_files.read_text(include.path) if os.path.lexists(include.path) else None
    texts: dict[str, str] = {}
    shown: dict[str, tuple[str, str]] = {}
    if present != include.text:
        texts[include.path] = include.text
        shown[include.path] = (present or "", include.text)
    if include.path not in redis_conf_files.read_tree(main, texts).texts:
        line = "include %s" % include.path
        texts[main] = redis_conf.appended(tree.texts[main], [line])
        shown[main] = ("", line + "\n")
    old = tree.texts if present is None else {**tree.texts, include.path: present}
    return _result(main, wanted, old, texts, shown)


def _result(
    main: str,
    wanted: Mapping[str, str],
    old: dict[str, str],
    texts: dict[str, str],
    shown: dict[str, tuple[str, str]],
) -> Rewrite:
    then = redis_conf_files.read_tree(main, texts)
    for left in redis_conf.changes(main, then.lines, wanted):
        raise ConfError("%s %s would not take effect: %s" % (left.name, left.after, _obstacle(left)))
    now = redis_conf.values(redis_conf_files.read_tree(main).lines, wanted)
    return Rewrite(texts, shown, old, now, redis_conf.values(then.lines, wanted), then)


def _obstacle(left: redis_conf.Change) -> str:
    return "nothing sets it" if left.number is None else "%s:%d sets %s" % (left.path, left.number + 1, left.before)


def _check_path(path: str) -> None:
    if not os.path.isabs(path) or set(path) & set(" \t\r\n\"'*?["):
        raise ConfError("%r: the included file needs an absolute path without spaces, quotes and wildcards" % path)
    if not os.path.isdir(os.path.dirname(path)):
        raise ConfError("%s: its folder does not exist" % path)


def _listing(edits: list[redis_conf.Change], side: str) -> str:
    rows = [(edit.name, edit.before if side == "before" else edit.after) for edit in edits]
    return "".join("%s %s\n" % (name, value) for name, value in rows if value is not None)
