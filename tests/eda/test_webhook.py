# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for a look, by whatever can post JSON: remediation up to what is configured, and no more hosts than that."""

from __future__ import annotations

from pathlib import Path

from eda.conftest import CALM
from eda.rulebook import rulebook


def test_no_more_hosts_an_hour_and_nothing_rougher_than_is_allowed(inventory: Path, tmp_path: Path) -> None:
    limits = {"closewait_event_per_hour": 1, "closewait_event_allow": "config"}
    with rulebook("webhook", inventory, tmp_path / "rulebook", **limits) as running:
        assert running.post({"hosts": [CALM[0], CALM[1], "all"], "closewait_event_allow": "disruptive"}) == 200
        said = running.after_one_more(0)
        assert "1 hosts were looked at in the last hour, which is the limit" in said
        assert running.looked_at() == {CALM[0]}
        plan, result = running.report("plan.json"), running.report("result.json")
        assert plan is not None
        assert plan["allow"] == "config"
        assert result is not None
        assert result["healed"]
        running.post({"host": CALM[2]})
        assert "which is the limit" in running.after_one_more(1)
        assert running.looked_at() == {CALM[0]}
