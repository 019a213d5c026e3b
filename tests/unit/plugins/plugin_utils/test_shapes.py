# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The border between foreign data and the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._shapes import ShapeError, conform


class Inner(TypedDict):
    name: str
    share: float | None


class Outer(TypedDict):
    count: int
    inner: list[Inner]
    word: Literal["so", "not so"]
    counts: NotRequired[dict[str, int]]
    free: NotRequired[dict[str, Any]]


GOOD: dict[str, Any] = {"count": 3, "inner": [{"name": "x", "share": 0.5}], "word": "so"}


class Tagged(str):
    """Stands for what Ansible makes of text."""


def test_plain_copy() -> None:
    copy = conform(GOOD, Outer)
    assert copy == GOOD
    assert copy["inner"] is not GOOD["inner"]


def test_subclasses_become_plain() -> None:
    value = {**GOOD, "word": Tagged("so"), "inner": ({"name": Tagged("y"), "share": 1},)}
    copy = conform(value, Outer)
    assert [type(copy["word"]), type(copy["inner"]), type(copy["inner"][0]["name"])] == [str, list, str]


def test_free_data_becomes_plain_too() -> None:
    copy = conform({**GOOD, "free": {Tagged("deep"): [Tagged("a"), None, 2.5, True]}}, Outer)
    assert copy["free"] == {"deep": ["a", None, 2.5, True]}
    assert copy["free"]["deep"][0].__class__ is str


def test_unknown_keys_are_dropped_and_optional_ones_may_be_missing() -> None:
    assert "other" not in conform({**GOOD, "other": 1}, Outer)
    assert conform({**GOOD, "counts": {"a": 4}}, Outer)["counts"] == {"a": 4}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"count": "3"}, "count should be int, not str"),
        ({"count": True}, "count should be int, not bool"),
        ({"count": None}, "count should be int, not NoneType"),
        ({"count": 3.5}, "count should be int, not float"),
        ({"inner": {"name": "x"}}, "inner should be a list, not dict"),
        ({"inner": "abc"}, "inner should be a list, not str"),
        ({"inner": [{"name": "x"}]}, "inner[0] has no share"),
        ({"inner": [GOOD["inner"][0], 7]}, "inner[1] should be an object, not int"),
        ({"word": "maybe"}, "word should be one of so, not so"),
        ({"counts": {"a": "b"}}, "counts.a should be int, not str"),
        ({"counts": []}, "counts should be an object, not list"),
    ],
)
def test_unfit(changed: Mapping[str, Any], says: str) -> None:
    with pytest.raises(ShapeError) as fault:
        conform({**GOOD, **changed}, Outer)
    assert str(fault.value) == says


def test_missing_key_at_the_top() -> None:
    with pytest.raises(ShapeError, match="it has no count"):
        conform({}, Outer)
