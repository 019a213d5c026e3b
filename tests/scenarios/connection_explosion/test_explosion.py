# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session per greenlet: found, named, left alone, and gone once the code shares one pool."""

from __future__ import annotations

from pathlib import Path
from statistics import median_low

from scenario_kit.dispatchers import Crew, Dispatchers, dispatchers
from scenario_kit.figures import record
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.waiting import wait_for

ID = "connection_explosion"
SUBJECT = "connections of dispatch"
WINDOW_S = 3


def found(outcome: Outcome) -> list[dict[str, object]]:
    findings = outcome.report("diagnosis.json")["hosts"]["localhost"]["findings"]
    return [finding for finding in findings if finding["id"] == ID]


def goes_on(crew: Dispatchers, answers: int = 50) -> None:
    """Requests are sent and answered."""
    before = crew.farm.answered()
    wait_for(lambda: crew.farm.answered() >= before + answers, 120, "requests to be answered", every=0.5)


def verified(control: Control, reports: str) -> Outcome:
    return control.playbook(
        "verify", closewait_output_dir=reports, closewait_window=WINDOW_S, closewait_verify_seconds=1
    )


def test_reproduction_every_greenlet_keeps_a_connection_to_every_backend(explosion: Dispatchers) -> None:
    connections = explosion.connections()
    assert len(connections) == 8
    assert all(set(counts) == set(explosion.farm.addresses) for counts in connections.values())
    assert {number for counts in connections.values() for number in counts.values()} == {31}
    assert sum(counts.total() for counts in connections.values()) == 5208
    goes_on(explosion)


def test_diagnose_names_it_and_remediate_leaves_it_alone(explosion: Dispatchers, folder: Path) -> None:
    control = Control(folder / "control")
    before = explosion.connections()
    outcome = control.playbook("remediate", closewait_allow="disruptive", closewait_window=WINDOW_S)
    [finding] = found(outcome)
    assert (finding["subject"], finding["process"], finding["confidence"]) == (SUBJECT, None, "suspected"), outcome.text
    evidence = finding["evidence"]
    assert isinstance(evidence, dict)
    assert (evidence["processes"], evidence["connections"], evidence["per_remote_p50"]) == (8, 5208, 31)
    assert (evidence["hot"]["per_process_p50"], evidence["cold"]["per_process_p50"]) == (31, 31)
    assert set(evidence["pids"]) <= set(before)
    # 248 of 28,232 ports towards each backend, whatever the total is.
    assert evidence["ports_share"] < 0.02
    assert finding["severity"] == "medium"
    # Nothing is closed or restarted: the same code would only open it all again.
    assert outcome.report("plan.json")["actions"] == []
    assert [left["finding"] for left in outcome.report("plan.json")["not_healed"]] == [ID]
    assert outcome.report("result.json")["healed"] is False
    assert outcome.status != 0
    assert explosion.connections() == before
    assert explosion.errors() == []
    goes_on(explosion)


def test_verify_says_healed_when_one_pool_is_shared(explosion: Dispatchers, folder: Path) -> None:
    """The remedy is in the code. This comes last: the dispatchers are replaced by such as do as they were advised."""
    control = Control(folder / "control")
    reports = str(control.playbook("diagnose", closewait_window=WINDOW_S).reports)
    still = verified(control, reports)
    assert still.status != 0, still.text
    explosion.end()
    with dispatchers(folder, Crew("dispatch", "shared", processes=8), explosion.farm) as cured:
        goes_on(cured)
        outcome = verified(control, reports)
        assert outcome.status == 0, outcome.text
        counts = [number for of_process in cured.connections().values() for number in of_process.values()]
        assert median_low(counts) < 10
        assert cured.errors() == []
        goes_on(cured)
    record("connection_explosion", shared_p50=median_low(counts), shared_max=max(counts))
