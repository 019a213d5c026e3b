# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thresholds that a caller gives."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds, from_mapping


def test_defaults_and_changes() -> None:
    assert from_mapping({}) == Thresholds()
    assert from_mapping({"leak_total": "44", "spin_cpu_percent": 3}) == Thresholds(leak_total=44, spin_cpu_percent=3.0)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"leak_totla": 4}, "unknown thresholds: leak_totla; known are "),
        ({"leak_totla": 4}, "unknown thresholds: leak_totla; known are .*leak_age_classes, "),
        ({"leak_total": "many"}, "threshold leak_total is not a number: 'many'"),
        ({"leak_total": None}, "is not a number"),
        ({"leak_total": -1}, "must be zero or more"),
        ({"leak_oldest_s": "nan"}, "must be zero or more"),
        ({"leak_oldest_s": float("inf")}, "must be zero or more"),
    ],
)
def test_bad(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_mapping(values)
