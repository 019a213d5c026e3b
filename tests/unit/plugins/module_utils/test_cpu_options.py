# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of the options that cpu_facts and incident_facts share."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _cpu_options

GIVEN: Dict[str, Any] = {"window": 2.5, "subwindows": 7, "min_cpu_percent": 33.0, "pids": [9, 8]}


def test_options_as_given() -> None:
    assert _cpu_options.parse(GIVEN) == _cpu_options.CpuOptions(2.5, 7, 33.0, [9, 8])


@pytest.mark.parametrize(
    "change",
    [
        {"window": 0.2, "subwindows": 2},
        {"window": 60.0},
        {"window": 0.5, "subwindows": 10},
        {"min_cpu_percent": 0.0},
        {"min_cpu_percent": 100.0},
    ],
)
def test_the_ends_of_the_ranges_are_inside(change: Dict[str, Any]) -> None:
    assert _cpu_options.parse({**GIVEN, **change})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"window": 0.19}, "window"),
        ({"window": 60.1}, "window"),
        ({"window": -1.0}, "window"),
        ({"window": float("nan")}, "window"),
        ({"subwindows": 1}, "subwindows"),
        ({"subwindows": 0}, "subwindows"),
        ({"window": 0.2, "subwindows": 5}, "subwindows"),
        ({"min_cpu_percent": -0.1}, "min_cpu_percent"),
        ({"min_cpu_percent": 100.5}, "min_cpu_percent"),
        ({"min_cpu_percent": float("nan")}, "min_cpu_percent"),
    ],
)
def test_what_is_out_of_range_is_named(change: Dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _cpu_options.parse({**GIVEN, **change})


def test_every_option_has_a_default_in_range() -> None:
    arguments: Dict[str, Any] = dict(_cpu_options.ARGUMENTS)
    defaults = {name: spec["default"] for name, spec in arguments.items()}
    assert _cpu_options.parse(defaults).pids == []
