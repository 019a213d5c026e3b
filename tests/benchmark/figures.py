# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of one run of the benchmark: samples, what they are compared with, and how far they should be apart."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Runs of every contender, in turns.
RUNS = 5


@dataclass(frozen=True)
class Samples:
    """Measurements of one thing, at least one; ``unit`` is "ms" or "bytes"."""

    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def scaled(self, factor: float) -> Samples:
        """What ``factor`` times as much would take."""
        return Samples(self.unit, tuple(value * factor for value in self.values))


@dataclass(frozen=True)
class Row:
    """``ours`` against ``theirs``, measured in turns in the same run. ``reach``: the ratio of medians to stay below."""

    what: str
    ours: Samples
    against: str
    theirs: Samples
    reach: float | None = None

    @property
    def ratio(self) -> float:
        """Median to median; below 1 when ours takes less."""
        return self.ours.median / self.theirs.median


@dataclass(frozen=True)
class Section:
    """A table: ``text`` says what was measured and how, ``notes`` what was seen on the way."""

    title: str
    text: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = field(default=())


def to_json(section: Section) -> dict[str, Any]:
    """The section as plain data."""
    return asdict(section)


def from_json(data: Mapping[str, Any]) -> Section:
    """The section that :func:`to_json` has made plain."""
    rows = (Row(**{**row, "ours": _samples(row["ours"]), "theirs": _samples(row["theirs"])}) for row in data["rows"])
    return Section(data["title"], data["text"], tuple(rows), tuple(data["notes"]))


def _samples(data: Mapping[str, Any]) -> Samples:
    return Samples(data["unit"], tuple(data["values"]))
