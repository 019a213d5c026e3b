# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EPOLLOUT on a connection that always has room."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, only

ID = "stale_watcher_spin"


def stale(events: int = make.IN | make.OUT | make.ALWAYS, state: str = "ESTABLISHED", **socket: Any) -> make.Fact:
    return make.watcher(events=events, socket=make.watched(state, **{"recv_q": 0, **socket}))


def writing(*suspects: make.Fact, **changed: Any) -> make.Fact:
    return make.worker(tcp=make.tcp(watchers=make.watchers(*suspects)), **changed)


def test_likely_with_advice_and_restart_only() -> None:
    finding = only(ask(ID, writing(stale())))
    assert (finding["confidence"], finding["severity"]) == ("likely", "high")
    assert [remedy["action"] for remedy in finding["remedy"]] == ["advice", "worker_restart"]
    assert finding["cause"]["peer"] == {"address": make.THERE, "port": make.REDIS_PORT, "host": make.REDIS_HOST}
    assert finding["cause"]["setting"] is None


def test_half_closed_but_watched_for_writing_only() -> None:
    facts = writing(stale(make.OUT | make.ALWAYS, "CLOSE_WAIT"))
    assert only(ask(ID, facts))["remedy"][-1]["action"] == "worker_restart"
    assert ask("half_closed_spin", facts).findings == []


HEALTHY = {
    "a half-closed registration explains it": writing(make.watcher(), stale()),
    "a half-closed ghost explains it": writing(make.ghost(), stale()),
    "one mask for both": writing(stale(state="CLOSE_WAIT")),
    "asleep": writing(stale(), cpu=make.cpu(make.sleeping())),
    "edge-triggered": writing(stale(make.OUT | make.EDGE)),
    "connecting": writing(stale(make.OUT, "SYN_SENT")),
    "the number is another file by now": writing({**stale(), "number_now": {"inode": 3, "link": "socket:[3]"}}),
    "reading only": writing(stale(make.IN | make.ALWAYS)),
}


@pytest.mark.parametrize("facts", HEALTHY.values(), ids=HEALTHY)
def test_no_finding(facts: make.Fact) -> None:
    assert ask(ID, facts) == ([], [])


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (writing(stale(send_q=7300)), "may be watched rightly"),
        (writing(stale(), cpu=make.cpu(make.honest())), "busy in its own code"),
    ],
)
def test_a_good_reason_to_watch_makes_it_suspected(facts: make.Fact, says: str) -> None:
    finding = only(ask(ID, facts))
    assert finding["confidence"] == "suspected"
    assert says in finding["unknowns"][0]


def test_a_missing_source_is_unknown() -> None:
    assert ask(ID, make.worker(tcp=None)) == ([], ["tcp facts were not gathered"])
