# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a block of Lua ends inside nginx's configuration (Lua 5.1 reference manual, 2.1 Lexical Conventions)."""

from __future__ import annotations

import re
from typing import Optional

_LONG = re.compile(r"(?:--)?\[(=*)\[")
_MARKS = re.compile(r"--|[\"'{}\[]")


def end(text: str, body: int) -> Optional[int]:
    """The offset behind the brace that closes the block whose content begins at ``body``; None when none does."""
    depth, at = 1, body
    while depth:
        mark = _MARKS.search(text, at)
        if mark is None:
            return None
        if mark.group() in ("{", "}"):
            depth += 1 if mark.group() == "{" else -1
            at = mark.end()
        else:
            at = _behind(text, mark.start())
    return at


def _behind(text: str, at: int) -> int:
    """What follows the comment, the string or the single bracket at ``at``."""
    bracket = _LONG.match(text, at)
    if bracket:
        closing = "]%s]" % bracket.group(1)
        found = text.find(closing, bracket.end())
        return len(text) if found < 0 else found + len(closing)
    if text.startswith("--", at):
        found = text.find("\n", at)
        return len(text) if found < 0 else found
    return at + 1 if text[at] == "[" else _behind_string(text, at)


def _behind_string(text: str, at: int) -> int:
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" else 1
    return at + 1
