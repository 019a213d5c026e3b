# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident: seen from outside, named by ``diagnose``, and ended by ``remediate`` for those who ask for pages."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from scenario_kit.blocked_loop import BACKLOG, RATE_PER_S, BlockedLoopSite
from scenario_kit.figures import record
from scenario_kit.kernel_accept import accept_queue
from scenario_kit.kernel_scheduling import start_time
from scenario_kit.playbooks import Control, Outcome

ID = "blocked_accept_loop"
LOOPBACK = "0100007F"


def _probe(port: int, seconds: int) -> list[str]:
    return [
        "curl",
        "--silent",
        "--fail",
        "--output",
        "/dev/null",
        "--max-time",
        str(seconds),
        f"http://127.0.0.1:{port}/",
    ]


def _found(outcome: Outcome) -> dict[int, dict[str, Any]]:
    """Findings by pid; there are no others."""
    findings = outcome.report("diagnosis.json")["hosts"]["localhost"]["findings"]
    assert {finding["id"] for finding in findings} == {ID}, outcome.text
    return {finding["process"]["pid"]: finding for finding in findings}


def _named_rightly(site: BlockedLoopSite, outcome: Outcome) -> dict[int, dict[str, Any]]:
    found, pids = _found(outcome), site.pids()
    assert set(found) == set(pids.values())
    for port, pid in pids.items():
        finding = found[pid]
        assert finding["confidence"] in ("proven", "likely")
        assert finding["process"]["start_time"] == start_time(pid)
        assert finding["process"]["supervisor"]["kind"] == "supervisord"
        assert finding["evidence"]["listener"] == f"127.0.0.1:{port}"
        assert finding["evidence"]["by_peer"][0]["address"] == "127.0.0.1"
        peer = finding["cause"]["peer"]
        assert (peer["address"], peer["port"]) == ("127.0.0.1", site.third_party), finding
        assert "fd_close" not in [remedy["action"] for remedy in finding["remedy"]]
    return found


def test_with_the_defaults_of_nginx_few_connections_are_left_and_hardly_a_request_is_answered(
    running: BlockedLoopSite, tmp_path: Path
) -> None:
    with running.incident(running.port, third_party_s=30) as load:
        outcome = Control(tmp_path / "control").playbook("diagnose")
        found = _named_rightly(running, outcome)
        outcomes = load.outcomes()
    assert outcome.status == 0, outcome.text
    assert outcomes["502"] > 0.9 * sum(outcomes.values()), outcomes
    assert all(finding["evidence"]["half_closed"] < 100 for finding in found.values())
    record("blocked_loop_defaults", outcomes=dict(outcomes), evidence=[f["evidence"] for f in found.values()])


def test_with_max_fails_0_the_flood_is_stopped_and_only_a_restart_serves_again(
    running: BlockedLoopSite, tmp_path: Path
) -> None:
    control = Control(tmp_path / "control")
    with running.incident(running.flood_port, third_party_s=0.5) as load:
        running.stand_still()
        live = control.playbook("remediate", closewait_verify_seconds=0)
        found = _named_rightly(running, live)
        outcomes = load.outcomes()
    assert live.status != 0, live.text
    actions = {action["action"]: action for action in live.report("plan.json")["actions"]}
    assert actions["nginx_upstream"]["vars"]["only"] == ["flood"]
    assert max(map(len, running.attempts())) == len(running.nodes)
    with running.load(running.flood_port, RATE_PER_S, 400) as more:
        more.wait(90)
    assert max(map(len, running.attempts()[-100:])) == 1, "the flood goes on"
    assert "worker_restart is disruptive" in str(live.report("plan.json")["not_healed"])
    assert set(running.pids().values()) == set(found), "a restart was not allowed"
    for seen in (finding["evidence"] for finding in found.values()):
        assert seen["queue"] > seen["backlog"] == BACKLOG, seen
        assert seen["unaccepted"] > 50, seen
        assert seen["overflows_per_s"] > 0, seen
    for port in running.nodes:
        queue = accept_queue(port)
        assert queue.peers == {LOOPBACK}
        assert queue.half_closed > 50
    assert outcomes["200"] < 0.1 * sum(outcomes.values())

    # Everyone has given up long ago, and still the nodes work for them.
    assert all(accept_queue(port).half_closed for port in running.nodes)
    running.slow_down(0.1)
    began = time.monotonic()
    healed = control.playbook(
        "remediate",
        closewait_allow="disruptive",
        closewait_verify_seconds=0,
        closewait_verify_commands=[_probe(running.flood_port, 5), _probe(running.port, 5)],
    )
    took = time.monotonic() - began
    assert healed.status == 0, healed.text
    assert set(running.pids().values()).isdisjoint(found)
    assert [accept_queue(port).waiting for port in running.nodes] == [0, 0, 0]
    assert [*(tmp_path / "control/scenes").glob("*-" + "-".join(map(str, sorted(found))) + "*")]

    pids = running.pids()
    again = control.playbook("remediate", closewait_allow="disruptive", closewait_verify_seconds=0)
    assert again.status == 0, again.text
    assert "changed=0 " in again.text
    assert running.pids() == pids
    record("blocked_loop_flood", outcomes=dict(outcomes), remediate_s=took)


def test_a_client_with_room_for_ten_is_no_cure_and_not_called_one(running: BlockedLoopSite, tmp_path: Path) -> None:
    """Measured: CLOSE_WAIT 0, queues empty, loops free, and hardly a request answered."""
    control = Control(tmp_path / "control")
    with running.incident(running.flood_port, third_party_s=0.8) as load:
        running.choose("async_max_10")
        untried = control.playbook("remediate", closewait_allow="disruptive", closewait_verify_seconds=0)
        [first] = untried.report("result.json")["hosts"].values()
        before = load.outcomes()
        tried = control.playbook(
            "verify",
            closewait_output_dir=str(untried.reports),
            closewait_verify_seconds=0,
            closewait_verify_commands=[_probe(running.flood_port, 1)] * 3,
        )
        [second] = untried.report("result.json")["hosts"].values()
        since = load.outcomes() - before
        half_closed = [accept_queue(port).half_closed for port in running.nodes]
    assert since.total() > RATE_PER_S, "without load it is well"
    assert since["200"] < 0.5 * since.total(), since
    # No rule finds anything any more. First nobody has tried the service, then it did not answer.
    assert untried.status != 0, untried.text
    assert [process["verdict"] for process in first["processes"]] == ["could_not_look"] * len(running.nodes)
    assert all(process["healed"] for process in second["processes"])
    assert first["new"] == second["new"] == []
    assert not all(check["ok"] for check in second["checks"])
    assert tried.status != 0, tried.text
    record("blocked_loop_room_for_ten", since=dict(since), half_closed=half_closed)
