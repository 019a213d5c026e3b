# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Text from other machines, made fit for a terminal: nothing in it moves the cursor, and nothing is wider than asked.

Process names, command lines and error texts come from programs that may be hostile: control characters, terminal
escapes, direction marks and stacked accents are shown as ``\x1b`` and the like. Nothing is dropped.
"""

from __future__ import annotations

import unicodedata

#: Control, format, surrogate, private and unassigned characters, line and paragraph separators, combining marks.
HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me"))
CUT = "…"


def clean(text: object) -> str:
    """The text with every character that does not print shown as an escape."""
    plain = str(text)
    # Nearly all of a report is such text, and looking at its characters one by one takes most of the time.
    return plain if _is_plain(plain) else "".join(_shown(character) for character in plain)


def width(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two."""
    return len(text) if _is_plain(text) else sum(_columns(character) for character in text)


def fit(text: str, columns: int) -> str:
    """The text cut and padded to exactly so many columns."""
    if width(text) > columns:
        text = _head(text, columns - 1) + CUT
    return text + " " * (columns - width(text))


def wrap(text: str, first: str, rest: str, columns: int) -> list[str]:
    """Lines of at most so many columns, broken at spaces; ``first`` and ``rest`` stand in front and count."""
    lines: list[str] = []
    line, empty = first, True
    for word in _words(text, columns - max(width(first), width(rest))):
        if not empty and width(line) + 1 + width(word) > columns:
            lines.append(line)
            line, empty = rest, True
        line, empty = (line + word if empty else f"{line} {word}"), False
    return [*lines, line]


def _is_plain(text: str) -> bool:
    """Printable ASCII: one column a character, nothing to hide."""
    return text.isascii() and text.isprintable()


def _shown(character: str) -> str:
    if unicodedata.category(character) in HIDDEN:
        return character.encode("unicode_escape").decode("ascii")
    return " " if character.isspace() else character


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _head(text: str, columns: int) -> str:
    if _is_plain(text):
        return text[:columns]
    taken = 0
    for position, character in enumerate(text):
        taken += _columns(character)
        if taken > columns:
            return text[:position]
    return text


def _words(text: str, longest: int) -> list[str]:
    """The words; one that no line can hold is broken."""
    words: list[str] = []
    for whole in text.split():
        word = whole
        while width(word) > longest:
            head = _head(word, longest)
            words.append(head)
            word = word[len(head) :]
        words.append(word)
    return words
