# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The syntax of nginx's configuration, with the place of every word in the file (src/core/ngx_conf_file.c).

Text is the file's bytes as Latin-1, so that an offset into the text is one into the bytes, whatever their encoding.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

from ansible_collections.closewait.remediation.plugins.module_utils._nginx import lua_block

_SPACE = " \t\r\n"
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", '"': '"', "'": "'", "\\": "\\"}


class SyntaxFaultError(Exception):
    """The text is no nginx configuration; the text of the error says what is wrong in which line."""


class Word(NamedTuple):
    """``value`` as nginx takes it, from ``start`` to ``end`` in the text, quotes included."""

    value: str
    start: int
    end: int
    quoted: bool


class Statement(NamedTuple):
    """A directive. ``block`` is None for a simple one; ``()`` for an empty block and for one of Lua.

    ``body`` is where the block's content begins, ``end`` what follows the closing ``;`` or ``}``. ``line`` is from 1.
    """

    words: Tuple[Word, ...]
    start: int
    end: int
    line: int
    block: Optional[Tuple[Statement, ...]]
    body: int

    @property
    def name(self) -> str:
        """The directive."""
        return self.words[0].value

    @property
    def values(self) -> Tuple[str, ...]:
        """Its arguments."""
        return tuple(word.value for word in self.words[1:])

    @property
    def is_lua(self) -> bool:
        """Whether the block is a program."""
        return self.block is not None and self.name.endswith("_by_lua_block")


def parse(text: str) -> Tuple[Statement, ...]:
    """The statements of a file. Raises SyntaxFaultError."""
    return _Reader(text).statements(nested=None)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def statements(self, nested: Optional[int]) -> Tuple[Statement, ...]:
        """All up to the end of the text, or up to the brace that closes the block opened at offset ``nested``."""
        found: list[Statement] = []
        while True:
            self._skip_space_and_comments()
            if self._at >= len(self._text):
                if nested is not None:
                    raise self._fault("the block is not closed", nested)
                return tuple(found)
            if self._text[self._at] == "}":
                if nested is None:
                    raise self._fault('unexpected "}"', self._at)
                self._at += 1
                return tuple(found)
            found.append(self._statement())

    def _statement(self) -> Statement:
        start = self._at
        words = self._words(start)
        if not words:
            raise self._fault('unexpected "%s"' % self._text[self._at], self._at)
        closing, self._at = self._text[self._at], self._at + 1
        body = self._at
        block: Optional[Tuple[Statement, ...]] = None
        if closing == "{" and words[0].value.endswith("_by_lua_block"):
            self._at = self._end_of_lua(body)
            block = ()
        elif closing == "{":
            block = self.statements(nested=start)
        return Statement(tuple(words), start, self._at, self._line(start), block, body)

    def _words(self, start: int) -> list[Word]:
        words: list[Word] = []
        while True:
            self._skip_space_and_comments()
            if self._at >= len(self._text):
                raise self._fault('the directive is not ended by ";"', start)
            if self._text[self._at] in ";{":
                return words
            if self._text[self._at] == "}":
                raise self._fault('unexpected "}"', self._at)
            words.append(self._quoted() if self._text[self._at] in "\"'" else self._plain())

    def _plain(self) -> Word:
        start, variable = self._at, False
        while self._at < len(self._text):
            char = self._text[self._at]
            # "${name}" does not open a block.
            if char in _SPACE + ";" or (char == "{" and not variable):
                return self._word(start, start, self._at, quoted=False)
            variable = char == "$" or (variable and char == "{")
            self._at += 2 if char == "\\" else 1
        raise self._fault("unexpected end of the file", start)

    def _quoted(self) -> Word:
        start = self._at
        quote = self._text[start]
        self._at += 1
        while self._at < len(self._text) and self._text[self._at] != quote:
            self._at += 2 if self._text[self._at] == "\\" else 1
        if self._at >= len(self._text):
            raise self._fault("the quote is not closed", start)
        self._at += 1
        after = self._text[self._at : self._at + 1]
        if after and after not in _SPACE + ";{)":
            raise self._fault('unexpected "%s" after a quote' % after, self._at)
        return self._word(start, start + 1, self._at - 1, quoted=True)

    def _word(self, start: int, inner_start: int, inner_end: int, *, quoted: bool) -> Word:
        return Word(unescaped(self._text[inner_start:inner_end]), start, self._at, quoted)

    def _skip_space_and_comments(self) -> None:
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                line_end = self._text.find("\n", self._at)
                self._at = len(self._text) if line_end < 0 else line_end
            elif self._text[self._at] not in _SPACE:
                return
            else:
                self._at += 1

    def _end_of_lua(self, body: int) -> int:
        end = lua_block.end(self._text, body)
        if end is None:
            raise self._fault("the Lua block is not closed", body)
        return end

    def _line(self, offset: int) -> int:
        return self._text.count("\n", 0, offset) + 1

    def _fault(self, reason: str, offset: int) -> SyntaxFaultError:
        return SyntaxFaultError("line %d: %s" % (self._line(offset), reason))


def unescaped(text: str) -> str:
    r"""A word without its backslashes: those before ``"``, ``'``, ``\``, ``t``, ``r`` and ``n`` count, others stay."""
    parts = []
    at = 0
    while at < len(text):
        following = text[at + 1 : at + 2]
        escaped = text[at] == "\\" and following in _ESCAPES
        parts.append(_ESCAPES[following] if escaped else text[at])
        at += 2 if escaped else 1
    return "".join(parts)
