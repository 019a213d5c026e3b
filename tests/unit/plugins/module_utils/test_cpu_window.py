# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who used CPU time in the window, for those who look at something else of them afterwards."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import cast

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import (
    _cpu_options,
    _cpu_sampling,
    _cpu_window,
    _subsets,
)


def test_nobody_is_known_before_the_window_was_asked_for() -> None:
    assert _cpu_window.CpuWindow(_cpu_options.CpuOptions(1.0, 2, 1.0, [])).users() == frozenset()


def test_who_works_in_the_window_is_a_user_and_handed_to_the_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psutil")
    options = _cpu_options.CpuOptions(0.4, 2, 1.0, [])
    window = _cpu_window.CpuWindow(options)

    def working(_busy: object) -> None:
        sum(range(3_000_000))

    monkeypatch.setattr(_cpu_sampling, "attend_nothing", working)
    assert window.measured()
    assert os.getpid() in window.users()
    known = _subsets._known(cast("_subsets.Options", SimpleNamespace(window=window, seen={"tcp": None})))
    assert known.busy == window.users()
