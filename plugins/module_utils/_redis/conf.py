# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a redis.conf: words, directives, which of them counts, and new text. Pure.

The grammar is that of ``loadServerConfigFromString`` (src/config.c) and ``sdssplitargs`` (src/sds.c), the same from 2.6
to 8.x and in Valkey: lines end at a newline, are trimmed, and split into words with optional quotes; ``#`` starts a
comment only at the start of a line; of a directive that takes one value the last one counts.
"""

from __future__ import annotations

import re
from typing import Iterable, Mapping, NamedTuple, Optional, Sequence

_SPACE = " \t\n\v\f\r"
_TRIMMED = " \t\r\n"
_DOUBLE = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_SINGLE = re.compile(r"'((?:\\'|[^'\\]|\\(?!'))*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_NAMED_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "a": "\a"}
#: What Redis does when the directive is in no file. tcp-keepalive is not here: its default differs between versions.
_DEFAULTS = {"timeout": "0"}


class ConfError(Exception):
    """The configuration cannot be read the way Redis would, or cannot be changed safely; the text says where."""


class Word(NamedTuple):
    """``value`` without quotes, and where it stands in the line with them."""

    value: str
    start: int
    end: int


class Line(NamedTuple):
    """One directive. ``number`` counts from 0; ``globs``: the include patterns with wildcards that led to its file."""

    path: str
    number: int
    text: str
    words: tuple[str, ...]
    globs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The directive, which Redis compares without regard to case."""
        return self.words[0].lower()

    @property
    def place(self) -> str:
        """For messages."""
        return "%s:%d" % (self.path, self.number + 1)


class Change(NamedTuple):
    """One directive to set; ``number`` None appends it to the file. ``before`` None: it was in no file."""

    path: str
    number: Optional[int]
    name: str
    before: Optional[str]
    after: str


def split_words(text: str) -> Optional[list[Word]]:
    """Words of one line; None for unbalanced quotes or a quote that ends in the middle of a word."""
    words: list[Word] = []
    position = 0
    while True:
        while position < len(text) and text[position] in _SPACE:
            position += 1
        if position == len(text):
            return words
        word = _word_at(text, position)
        if word is None:
            return None
        words.append(word)
        position = word.end


def parse(path: str, text: str, globs: tuple[str, ...] = ()) -> list[Line]:
    """The directives of one file, in order. Raises ConfError for a line that Redis would not take either."""
    lines: list[Line] = []
    for number, raw in enumerate(text.split("\n")):
        trimmed = raw.strip(_TRIMMED)
        if not trimmed or trimmed.startswith("#"):
            continue
        words = split_words(trimmed)
        if not words:
            raise ConfError("%s:%d: unbalanced quotes" % (path, number + 1))
        lines.append(Line(path, number, raw, tuple(word.value for word in words), globs))
    return lines


def effective(lines: Iterable[Line], name: str) -> Optional[Line]:
    """The directive that counts: the last one. Raises ConfError when it does not have exactly one value."""
    found: Optional[Line] = None
    for line in lines:
        if line.name == name:
            found = line
    if found is not None and len(found.words) != 2:
        raise ConfError("%s: %r needs exactly one value" % (found.place, name))
    return found


def values(lines: Sequence[Line], names: Iterable[str]) -> dict[str, Optional[str]]:
    """What the files set each of these directives to; None where none does."""
    found = {name: effective(lines, name) for name in names}
    return {name: line.words[1] if line else None for name, line in found.items()}


def changes(main: str, lines: Sequence[Line], wanted: Mapping[str, str]) -> list[Change]:
    """What to change so that the wanted values count: where they stand, or at the end of the main file, read last."""
    found: list[Change] = []
    for name, after in wanted.items():
        counting = effective(lines, name)
        if counting is None and _DEFAULTS.get(name) != after:
            found.append(Change(main, None, name, None, after))
        places = [line for line in _candidates(lines, counting) if not same_value(line.words[1], after)]
        found += [Change(line.path, line.number, name, line.words[1], after) for line in places]
    return found


def same_value(one: Optional[str], other: str) -> bool:
    """Whether two texts of a number mean the same to Redis (``strtoll``)."""
    return one == other or (one is not None and one.isdigit() and other.isdigit() and int(one) == int(other))


def edited(text: str, edits: Iterable[Change]) -> str:
    """The text with those directives set and every other byte as it was."""
    lines = text.split("\n")
    added: list[str] = []
    for edit in edits:
        if edit.number is None:
            added.append("%s %s" % (edit.name, edit.after))
        else:
            lines[edit.number] = _with_value(lines[edit.number], edit.after)
    return appended("\n".join(lines), added)


def appended(text: str, added: Sequence[str]) -> str:
    """The text with these lines at its end, ended the way its other lines are."""
    newline = "\r\n" if "\r\n" in text else "\n"
    start = "\n" if added and text and not text.endswith("\n") else ""
    return text + start + "".join(line + newline for line in added)


def _candidates(lines: Sequence[Line], counting: Optional[Line]) -> list[Line]:
    """The directive that counts, and those that may count instead of it.

    Files of one wildcard are read in the order of the server's locale (``glob`` sorts with ``strcoll``, Redis calls
    ``setlocale``), which is not known here: so the last such directive of *each* of those files may be the one.
    """
    if counting is None:
        return []
    last_of_file = {(line.path, line.globs): line for line in lines if line.name == counting.name}
    rivals = [line for line in last_of_file.values() if set(line.globs) & set(counting.globs) and line != counting]
    return [line for line in rivals if len(line.words) == 2] + [counting]


def _with_value(line: str, value: str) -> str:
    words = split_words(line)
    if not words or len(words) != 2:
        raise ConfError("%r has not exactly one value" % line)
    return line[: words[1].start] + value + line[words[1].end :]


def _word_at(text: str, start: int) -> Optional[Word]:
    position = start
    while position < len(text) and text[position] not in _SPACE + "\"'":
        position += 1
    value = text[start:position]
    if position == len(text) or text[position] in _SPACE:
        return Word(value, start, position)
    quoted = (_DOUBLE if text[position] == '"' else _SINGLE).match(text, position)
    if quoted is None or text[quoted.end() : quoted.end() + 1].strip(_SPACE):
        return None
    return Word(value + _unquoted(quoted), start, quoted.end())


def _unquoted(quoted: re.Match[str]) -> str:
    if quoted.re is _SINGLE:
        return quoted.group(1).replace("\\'", "'")
    return _ESCAPE.sub(_unescaped, quoted.group(1))


def _unescaped(match: re.Match[str]) -> str:
    code, letter = match.groups()
    return chr(int(code, 16)) if code else _NAMED_ESCAPES.get(letter, letter)
