# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: Markdown that also reads well on a terminal. Pure."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from .figures import RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .figures import Row, Samples, Section

INTRODUCTION = f"""\
# Benchmarks

Written by `make bench`; do not edit. Everything in a section was measured in one go, in turns, on this machine.
Each cell is min / median / max of {RUNS} runs or more (one value: one run) of it and of what it is compared with; the
ratio is that of the medians. Compare ratios rather than milliseconds: others may have been working on the machine.
Where they keep it busy, `chrt -r 1 make bench` measures what is done rather than who waits for whom.
"""
TEXT_WIDTH = 110
HEADINGS = ("what", "ours", "against", "theirs", "ratio", "reach", "reached")


def document(machine: Mapping[str, str], sections: Iterable[Section]) -> str:
    """The whole of docs/BENCHMARKS.md."""
    facts = _table(("machine", ""), list(machine.items()))
    return "\n".join([INTRODUCTION, facts, *(section_text(section) for section in sections)])


def replaced(document: str, section: Section) -> str:
    """The document with this section in the place of the one of the same title, or at its end."""
    head, *sections = re.split(r"^(?=## )", document, flags=re.MULTILINE)
    texts = {text.partition("\n")[0]: text for text in sections}
    texts[f"## {section.title}"] = section_text(section)
    return "\n\n".join(part.rstrip("\n") for part in (head, *texts.values())) + "\n"


def section_text(section: Section) -> str:
    """Heading, what was done, table, notes."""
    parts = [
        f"## {section.title}\n",
        f"{textwrap.fill(section.text, TEXT_WIDTH)}\n",
        _table(HEADINGS, [_cells(row) for row in section.rows]),
    ]
    parts += [f"- {note}" for note in section.notes]
    return "\n".join(parts) + ("\n" if section.notes else "")


def _cells(row: Row) -> tuple[str, ...]:
    reach = "" if row.reach is None else f"≤ {row.reach:g}"
    reached = "" if row.reach is None else ("yes" if row.ratio <= row.reach else "NO")
    return (row.what, _spread(row.ours), row.against, _spread(row.theirs), _ratio(row.ratio), reach, reached)


def _spread(samples: Samples) -> str:
    values = sorted({min(samples.values), samples.median, max(samples.values)})
    return " / ".join(_number(value) for value in values) + f" {samples.unit}"


def _ratio(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(_line(line, widths) for line in lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
