# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets as the caller gives them."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._fd import targets as fd_targets
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Target

ROW: Dict[str, Any] = {
    "pid": 3301,
    "start_time": 771,
    "fd": 12,
    "inode": 909,
    "cookie": "00000000000a0b0c",
    "peer": "192.0.2.6:6380",
    "ghost": False,
}
TARGET = Target(3301, 771, 12, 909, "00000000000a0b0c", ghost=False, peer=ROW["peer"])


def test_a_row_becomes_a_target() -> None:
    assert fd_targets.parse([ROW]) == [TARGET]
    assert fd_targets.parse([]) == []


def test_what_may_be_left_out() -> None:
    row = {name: ROW[name] for name in ("pid", "start_time", "fd", "inode")}
    assert fd_targets.parse([row]) == [TARGET._replace(cookie=None, peer=None)]
    assert fd_targets.parse([{**row, "ghost": True, "cookie": None}]) == [
        TARGET._replace(cookie=None, peer=None, ghost=True)
    ]
    assert fd_targets.parse([{**row, "fd": 0, "start_time": 0}]) == [
        TARGET._replace(cookie=None, peer=None, fd=0, start_time=0)
    ]


def test_the_order_is_kept_and_each_is_there_once() -> None:
    rows = [ROW, {**ROW, "fd": 3}, {**ROW, "peer": "other text"}, {**ROW, "pid": 2, "fd": 12}]
    assert [(target.pid, target.fd) for target in fd_targets.parse(rows)] == [(3301, 12), (3301, 3), (2, 12)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pid": 1}, "pid 1"),
        ({"pid": 0}, "pid 0"),
        ({"pid": -4}, "pid -4"),
        ({"fd": -1}, "tcp_facts"),
        ({"inode": 0}, "tcp_facts"),
        ({"inode": -2}, "tcp_facts"),
        ({"start_time": -1}, "tcp_facts"),
        ({"cookie": ""}, "16 hex digits"),
        ({"cookie": "a0b0c"}, "16 hex digits"),
        ({"cookie": "0x000000000a0b0c"}, "16 hex digits"),
        ({"cookie": "00000000000A0B0C"}, "16 hex digits"),
        ({"cookie": "00000000000a0b0c\n"}, "16 hex digits"),
    ],
)
def test_faults_name_the_row(change: Dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r"targets\[1\]: .*" + words):
        fd_targets.parse([ROW, {**ROW, "fd": 9, **change}])


@pytest.mark.parametrize("change", [{"inode": 910}, {"start_time": 7}, {"ghost": True}, {"cookie": None}])
def test_one_number_named_twice_differently(change: Dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"targets\[2\]: pid 3301 fd 12 is named twice, differently"):
        fd_targets.parse([ROW, {**ROW, "fd": 4}, {**ROW, **change}])
