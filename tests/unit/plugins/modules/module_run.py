# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module run in this process, with arguments as ansible hands them over."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict

import pytest
from ansible.module_utils.testing import patch_module_args

Result = Dict[str, Any]
Run = Callable[..., Result]


def runner(main: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs the module with the given arguments and returns what it prints."""

    def run(*, check: object = False, **arguments: Any) -> Result:
        with patch_module_args({**arguments, "_ansible_check_mode": bool(check)}), pytest.raises(SystemExit) as left:
            main()
        result: Result = json.loads(capsys.readouterr().out)
        assert left.value.code == (1 if result.get("failed") else 0)
        return result

    return run
