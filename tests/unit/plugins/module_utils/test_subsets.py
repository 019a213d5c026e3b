# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which subsets are gathered, and what every gathering says of itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _subsets

ALL = list(_subsets.COLLECTORS)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (["all"], ALL),
        ([], ALL),
        (["tcp"], ["tcp"]),
        (["redis", "cpu"], ["cpu", "redis"]),
        (["tcp", "tcp"], ["tcp"]),
        (["all", "!tcp"], [name for name in ALL if name != "tcp"]),
        (["!tcp"], [name for name in ALL if name != "tcp"]),
        ([f"!{name}" for name in ALL], []),
        (["tcp", "!tcp"], []),
        (["tcp", "!cpu"], ["tcp"]),
        (["all", "tcp", "!redis"], [name for name in ALL if name != "redis"]),
        (["!all"], []),
    ],
)
def test_choice(wanted: List[str], chosen: List[str]) -> None:
    assert _subsets.choose(wanted) == chosen


@pytest.mark.parametrize("word", ["oracle", "!oracle", "TCP", "", "!", "tcp ", "!!tcp"])
def test_an_unknown_subset_is_named_together_with_the_known(word: str) -> None:
    with pytest.raises(ValueError, match="gather_subset") as caught:
        _subsets.choose(["tcp", word])
    assert word in str(caught.value)
    for name in [*ALL, "all"]:
        assert name in str(caught.value)


def test_the_cpu_window_comes_first() -> None:
    assert next(iter(_subsets.COLLECTORS)) == "cpu"


def test_provenance() -> None:
    found = _subsets.provenance()
    assert found["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", found["gathered_at"])
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert found["gathered_at"] <= now
    assert found["gathered_at"][:13] == now[:13] or now[14:16] == "00"


def test_a_boot_that_is_not_shown(tmp_path: Path) -> None:
    assert _subsets.provenance(str(tmp_path))["boot_id"] is None


def test_what_is_not_wanted_is_not_imported() -> None:
    code = (
        "import sys\n"
        "from ansible_collections.closewait.remediation.plugins.module_utils import _subsets\n"
        "_subsets.FIRST_LOOKS['tcp']()\n"
        "print([name for name in sys.modules if '_collectors.' in name or '._progress' in name])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment).decode().strip() == "[]"
