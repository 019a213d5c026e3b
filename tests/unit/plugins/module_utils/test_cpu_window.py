# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who used CPU time in the window, for those who look at something else of them afterwards."""

from __future__ import annotations

import os

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import (
    _cpu_options,
    _cpu_sampling,
    _cpu_window,
    _subsets,
)
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import redis, tcp


def test_nobody_is_known_before_the_window_was_asked_for() -> None:
    assert _cpu_window.CpuWindow(_cpu_options.CpuOptions(1.0, 2, 1.0, [])).users() == frozenset()


def test_who_works_in_the_window_is_a_user_and_handed_to_the_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psutil")
    options = _cpu_options.CpuOptions(0.4, 2, 1.0, [])
    window = _cpu_window.CpuWindow(options)
    taken = {}

    def collected(_max_items: int, known: tcp.Known) -> dict[str, object]:
        taken["busy"] = known.busy
        return {}

    def working(_busy: object) -> None:
        sum(range(3_000_000))

    monkeypatch.setattr(tcp, "collect", collected)
    monkeypatch.setattr(_cpu_sampling, "attend_nothing", working)
    _subsets.collect(["cpu", "tcp"], _subsets.Options(options, window, redis.Asking(), 5))
    assert taken["busy"] == window.users()
    assert os.getpid() in taken["busy"]
