# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile text on a terminal."""

from __future__ import annotations

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 1.5 %", "plain 1.5 %"),
        ("\x1b[2J\x1b[31mred", r"\x1b[2J\x1b[31mred"),
        ("\x9b31mC1", r"\x9b31mC1"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("bell\x07 back\x08 del\x7f nul\x00", r"bell\x07 back\x08 del\x7f nul\x00"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028sep", r"line\u2028sep"),
        ("surrogate\udcff", r"surrogate\udcff"),
        ("z\u0301\u0301", r"z\u0301\u0301"),
        ("wide 界", "wide 界"),
        ("nbsp\u00a0x", "nbsp x"),
        ("\U000e0041tag", r"\U000e0041tag"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert _text.clean(text) == shown


@pytest.mark.parametrize(
    ("text", "columns", "fitted"),
    [("abc", 5, "abc  "), ("abcdef", 4, "abc…"), ("界界界", 4, "界… "), ("界界", 4, "界界"), ("", 2, "  ")],
)
def test_fit(text: str, columns: int, fitted: str) -> None:
    assert _text.fit(text, columns) == fitted
    assert _text.width(fitted) == columns


def test_wrap() -> None:
    assert _text.wrap("one two three four", "> ", "  ", 11) == ["> one two", "  three", "  four"]


def test_wrap_breaks_what_has_no_spaces() -> None:
    lines = _text.wrap("x" * 25 + " 界界界界界界", "- ", "  ", 12)
    assert [_text.width(line) <= 12 for line in lines] == [True] * len(lines)
    assert "".join(line[2:] for line in lines).replace(" ", "") == "x" * 25 + "界界界界界界"


def test_wrap_of_nothing() -> None:
    assert _text.wrap("", "- ", "  ", 12) == ["- "]
