# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of one supervisord configuration file: what it says, and where each word of it stands. Pure.

Supervisor reads its files with RawConfigParser, with ``;`` and ``#`` as inline comments on Python 3 and ``;`` on
Python 2 (supervisor/options.py, UnhosedConfigParser). Where both accept a text they read it alike, but for ``#`` behind
a value: Python 2 takes that as part of it, and no number or truth value with it is valid there.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_HEADER = re.compile(r"\[(?P<name>[^]]+)\]")
_OPTION = re.compile(r"(?P<name>.*?)\s*[=:]\s*(?P<value>.*)\Z", re.DOTALL)
_COMMENTS = ";#"


class ConfError(Exception):
    """A file that supervisord could not read, or a setting that is in none; the text is fit for an operator."""


class Span(NamedTuple):
    """Where a value stands: line number from 0, columns from 0. ``last_line``: of its continuation, else ``line``."""

    line: int
    start: int
    end: int
    last_line: int


class Option(NamedTuple):
    """``name`` in lower case; ``value``: continuation lines joined with newlines."""

    name: str
    value: str
    span: Span


class Section(NamedTuple):
    """One occurrence of a section; the same name may occur again, here or in another file."""

    name: str
    line: int
    indent: str
    options: list[Option]


def lines(text: str) -> list[str]:
    """Its lines with their ends, split as Python's universal newlines do."""
    return _LINE.findall(text)


def sections(text: str) -> list[Section]:
    """All sections in order. Raises ConfError with the line number, from 1, where supervisord would give up."""
    reader = _Reader()
    for number, line in enumerate(lines(text)):
        reader.feed(number, line)
    return reader.found


class _Reader:
    def __init__(self) -> None:
        self.found: list[Section] = []
        self._indent = 0
        self._open = False

    def feed(self, number: int, line: str) -> None:
        code = line[: _comment_start(line)].rstrip()
        if not code.strip():
            return
        indent = len(code) - len(code.lstrip())
        if self._open and indent > self._indent:
            self._continue(number, code.strip())
            return
        self._indent = indent
        header = _HEADER.match(code.strip())
        if header:
            self.found.append(Section(header.group("name"), number, code[:indent], []))
            self._open = False
        else:
            self._option(number, code, indent)

    def _continue(self, number: int, more: str) -> None:
        options = self.found[-1].options
        last = options[-1]
        options[-1] = last._replace(value=last.value + "\n" + more, span=last.span._replace(last_line=number))

    def _option(self, number: int, code: str, indent: int) -> None:
        match = _OPTION.match(code[indent:])
        if not self.found or match is None or not match.group("name"):
            raise ConfError("line %d is neither a section nor an option in one" % (number + 1))
        start = indent + match.start("value")
        span = Span(number, start, max(start, len(code)), number)
        self.found[-1].options.append(Option(match.group("name").lower(), match.group("value").strip(), span))
        self._open = True


def _comment_start(line: str) -> Optional[int]:
    if line.lstrip()[:1] in tuple(_COMMENTS):
        return 0
    marks = (at for at, mark in enumerate(line) if mark in _COMMENTS and line[at - 1].isspace())
    return next(marks, None)
