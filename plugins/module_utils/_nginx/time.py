# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as nginx writes them: ``5s``, ``1h30m``, ``500ms``, or bare seconds (https://nginx.org/en/docs/syntax.html)."""

from __future__ import annotations

import re

_UNITS_MS = {
    "ms": 1,
    "s": 1000,
    "": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "M": 2_592_000_000,
    "y": 31_536_000_000,
}
_PART = re.compile(r"(\d+)(ms|[smhdwMy]|)\s*")
_WHOLE = re.compile(r"(?:\d+(?:ms|[smhdwMy])\s*)*(?:\d+)?\Z")


def milliseconds(text: str) -> int:
    """Raises ValueError for what nginx would not take as a time."""
    if not text or not _WHOLE.match(text):
        raise ValueError(f"{text!r} is no time of nginx, such as 5s, 1m30s or 500ms")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(text))
