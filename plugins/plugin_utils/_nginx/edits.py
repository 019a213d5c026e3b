# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a text at exact places: every other byte stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.closewait.remediation.plugins.module_utils._nginx.syntax import Statement, Word
from ansible_collections.closewait.remediation.plugins.module_utils._nginx.tree import Placed

_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\n]*?)?(\r?\n|\Z)")
_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, order=True)
class Edit:
    """``text`` takes the place of what is from ``start`` to ``end``. The other two are what a diff shows of it."""

    path: str
    start: int
    end: int
    text: str
    before: str = ""
    after: str = ""


def applied(texts: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """The texts that change. Edits of one file must not overlap; those at one place keep their order."""
    result = dict(texts)
    touched = set()
    for edit in reversed(sorted(edits, key=lambda edit: (edit.path, edit.start))):  # noqa: C413 - keeps the order of equals
        text = result[edit.path]
        result[edit.path] = text[: edit.start] + edit.text + text[edit.end :]
        touched.add(edit.path)
    return {path: result[path] for path in touched if result[path] != texts[path]}


def with_values(placed: Placed, text: str, values: str) -> Edit:
    """A directive with other arguments."""
    statement = placed.statement
    last = statement.words[-1].end
    before, after = text[statement.start : statement.end], f"{statement.name} {values};"
    start = statement.words[1].start if len(statement.words) > 1 else last
    return Edit(placed.path, start, last, values, f"{before}\n", f"{after}\n")


def with_words(placed: Placed, text: str, changes: Mapping[Word, str], added: str) -> list[Edit]:
    """A directive with some of its words changed, ``""`` taking one away, and others added at its end."""
    statement, path = placed.statement, placed.path
    edits = [_of_word(path, text, word, value) for word, value in changes.items()]
    if added:
        edits.append(Edit(path, statement.words[-1].end, statement.words[-1].end, f" {added}"))
    if not edits:
        return []
    within = [Edit(path, edit.start - statement.start, edit.end - statement.start, edit.text) for edit in edits]
    before = text[statement.start : statement.end]
    after = applied({path: before}, within)[path]
    first, *others = sorted(edits)
    return [Edit(first.path, first.start, first.end, first.text, f"{before}\n", f"{after}\n"), *others]


def _of_word(path: str, text: str, word: Word, value: str) -> Edit:
    start = word.start
    if not value:
        while text[start - 1] in " \t":
            start -= 1
    return Edit(path, start, word.end, value)


def line_after(path: str, statement: Statement, text: str, line: str) -> Edit:
    """A directive on a line of its own below another one, or beside it where others follow on its line."""
    rest = _REST_OF_LINE.match(text, statement.end)
    if rest is None:
        return Edit(path, statement.end, statement.end, f" {line}", "", f"{line}\n")
    newline = rest.group(1) or _newline(text)
    added = f"{_indent(text, statement.start)}{line}"
    added = f"{added}{newline}" if rest.group(1) else f"{newline}{added}"
    return Edit(path, rest.end(), rest.end(), added, "", f"{line}\n")


def line_inside(path: str, block: Statement, text: str, line: str) -> Edit:
    """A directive at the end of a block."""
    if block.block:
        return line_after(path, block.block[-1], text, line)
    newline = _newline(text)
    indent = _indent(text, block.start)
    end = block.end - 1
    return Edit(path, end, end, f"{newline}{indent}    {line}{newline}{indent}", "", f"{line}\n")


def _indent(text: str, start: int) -> str:
    """The indent of the line that ``start`` is in, taking a directive behind a brace as one step deeper."""
    begin = text.rfind("\n", 0, start) + 1
    found = _INDENT.match(text, begin)
    return found.group() if found else ""


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
