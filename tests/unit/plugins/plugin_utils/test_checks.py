# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registered results of commands."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._checks import from_result


@pytest.mark.parametrize(
    ("result", "checks"),
    [
        (None, []),
        ({"skipped": True}, []),
        ({"results": [], "skipped": True}, []),
        ({"results": []}, []),
        ({"cmd": ["probe", "-q"], "rc": 0}, [("probe -q", True, "")]),
        ({"cmd": "probe -q", "rc": 2, "stderr": "no answer\n"}, [("probe -q", False, "exit status 2: no answer")]),
        # failed_when: false hides the failure, not the status
        ({"cmd": ["probe"], "rc": 1, "failed": False}, [("probe", False, "exit status 1")]),
        ({"cmd": ["probe"], "rc": 0, "failed": True}, [("probe", False, "exit status 0")]),
        ({"unreachable": True, "msg": "no route"}, [("", False, "no route")]),
        ({"item": ["probe"], "failed": True, "msg": "No such file"}, [("probe", False, "No such file")]),
        ({"item": ["probe"]}, [("probe", False, "it did not run")]),
        (
            {"results": [{"cmd": ["a"], "rc": 0}, {"item": ["b"], "skipped": True}, {"cmd": ["c"], "rc": 9}]},
            [("a", True, ""), ("c", False, "exit status 9")],
        ),
    ],
)
def test_from_result(result: Any, checks: list[tuple[str, bool, str]]) -> None:
    assert [(" ".join(check["argv"]), check["ok"], check["reason"]) for check in from_result(result)] == checks


def test_error_text_is_bounded() -> None:
    [check] = from_result({"cmd": ["x"], "rc": 1, "stderr": "e" * 5000})
    assert len(check["reason"]) < 250
