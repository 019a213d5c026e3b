# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fenced blocks of a Markdown file, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"^```(\S*)\s*$")
_PROMPT = "$ "


class Block(NamedTuple):
    """A fenced block: the heading above it, its language, its lines, and the line number of its first line."""

    heading: str
    language: str
    lines: tuple[str, ...]
    number: int

    def commands(self) -> list[str]:
        """Lines after a prompt, each with those that a backslash continues; the other lines are output."""
        found: list[str] = []
        continued = False
        for line in self.lines:
            if continued:
                found[-1] += "\n" + line
            elif line.startswith(_PROMPT):
                found.append(line.removeprefix(_PROMPT))
            continued = (continued or line.startswith(_PROMPT)) and line.endswith("\\")
        return found

    def output(self) -> list[str]:
        """Lines that are neither a command nor continue one."""
        typed = {line for command in self.commands() for line in command.split("\n")}
        return [line for line in self.lines if not line.startswith(_PROMPT) and line not in typed]


def blocks(text: str) -> Iterator[Block]:
    """All fenced blocks in order. Raises ValueError for one that is not closed."""
    heading, language, start, taken = "", None, 0, []  # type: str, str | None, int, list[str]
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if language is None and fence:
            language, start, taken = fence.group(1), number + 1, []
        elif fence:
            yield Block(heading, str(language), tuple(taken), start)
            language = None
        elif language is not None:
            taken.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    if language is not None:
        raise ValueError(f"the block in line {start} is not closed")


def headings(text: str) -> list[str]:
    """Headings outside of blocks."""
    fenced = {n for block in blocks(text) for n in range(block.number, block.number + len(block.lines))}
    return [
        line.lstrip("# ") for n, line in enumerate(text.splitlines(), 1) if n not in fenced and line.startswith("#")
    ]
