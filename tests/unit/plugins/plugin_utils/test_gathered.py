# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registered results, good and bad."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _gathered
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (None, "no result was registered on this host"),
        ("text", "no result was registered"),
        ({"unreachable": True, "msg": "no route to host"}, "the host was not reached: no route to host"),
        ({"failed": True, "msg": "sudo: a password is required"}, "gathering failed: sudo"),
        ({"failed": True}, "gathering failed: no reason given"),
        (
            {
                "failed": True,
                "msg": "no start of json",
                "module_stdout": "/bin/sh: 1: sudo: not found\r\n",
                "module_stderr": "",
            },
            "gathering failed: no start of json (/bin/sh: 1: sudo: not found)",
        ),
        ({"failed": True, "msg": "x", "module_stderr": "\n  Traceback\n more", "module_stdout": "y"}, "x (Traceback)"),
        ({"skipped": True, "changed": False}, "gathering was skipped"),
        ({"changed": False}, "the result has no ansible_facts.closewait"),
        ({"ansible_facts": {"other": {}}}, "the result has no ansible_facts.closewait"),
        ({"results": [make.registered(make.worker())]}, "the result has no ansible_facts.closewait"),
    ],
)
def test_no_facts(result: Any, says: str) -> None:
    seen = _gathered.from_result(result, "lookout")
    assert seen.facts is None
    assert seen.errors[0]["source"] == "lookout"
    assert says in seen.errors[0]["reason"]


def test_good_facts() -> None:
    seen = _gathered.from_result(make.registered(make.worker()), "lookout")
    assert seen.errors == []
    assert seen.facts is not None
    assert seen.facts["tcp"] is not None
    assert seen.facts["tcp"]["watchers"] is not None


def test_a_failed_result_with_facts_does_not_count() -> None:
    assert _gathered.from_result(make.registered(make.worker(), failed=True, msg="x"), "lookout").facts is None


def test_a_bad_subset_is_left_out_with_the_reason() -> None:
    seen = _gathered.from_result(make.registered(make.worker(cpu={"errors": []})), "lookout")
    assert seen.facts is not None
    assert seen.facts.get("cpu") is None
    assert seen.facts.get("tcp") is not None
    assert seen.errors == [{"source": "cpu facts", "reason": "not as documented: it has no window_s"}]
