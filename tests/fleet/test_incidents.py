# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty hosts over SSH, three incidents on five of them, one host unreachable and one that fails.

Diagnosed, healed in batches and verified in one run, and the report is right about each.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fleet.booted import Booted
from fleet.control import control
from fleet.site import FAILING, NAMES, PLANTED, UNREACHABLE, Site, site
from scenario_kit.figures import record
from scenario_kit.playbooks import Control, Outcome
from scenario_kit.waiting import wait_for

WRONG = {name: incident for incident, names in PLANTED.items() for name in names}
LOST = (UNREACHABLE, FAILING)
#: The hosts of a real fleet have CPUs of their own. Here they share what there is, so it takes longer to see who spins,
#: and who does may get less of one than the default asks for.
VARIABLES: dict[str, Any] = {
    "closewait_allow": "disruptive",
    "closewait_window": 2,
    "closewait_batch_seconds": 1,
    "closewait_thresholds": {"spin_cpu_percent": 2},
}
WELL = [name for name in NAMES if name not in WRONG and name not in LOST]
_TOGETHER = re.compile(r"^included: .*/causes/supervisor_stopwait\.yml for export[12], export[12]$", re.MULTILINE)
_RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@pytest.fixture(scope="module")
def shop(booted: Booted) -> Iterator[Site]:
    with site(booted) as there:
        yield there


@pytest.fixture(scope="module")
def ansible(shop: Site, tmp_path_factory: pytest.TempPathFactory) -> Control:
    return control(shop.fleet, tmp_path_factory.mktemp("control"))


@pytest.fixture(scope="module")
def born(shop: Site) -> dict[str, int]:
    """Which processes there are before anything is done."""
    return {worker.host.name: worker.pid() for worker in shop.spinning}


@pytest.fixture(scope="module")
def diagnosed(ansible: Control) -> Outcome:
    return _timed("diagnose", ansible)


@pytest.fixture(scope="module")
def healed(diagnosed: Outcome, ansible: Control, born: dict[str, int]) -> Outcome:
    """After the diagnosis, of which the test below wants to know that it has changed nothing."""
    assert born
    assert diagnosed.status == 0
    return _timed("remediate", ansible)


def _timed(playbook: str, ansible: Control) -> Outcome:
    began = time.monotonic()
    outcome = ansible.playbook(playbook, **VARIABLES)
    record(f"fleet_{playbook}", hosts=len(NAMES), seconds=round(time.monotonic() - began, 1), status=outcome.status)
    return outcome


def _changed(outcome: Outcome) -> dict[str, int]:
    """How many tasks changed something, by host."""
    return {name: int(changed) for name, changed, _unreachable, _failed in _RECAP.findall(outcome.text)}


def test_diagnose_is_right_about_every_host(diagnosed: Outcome, shop: Site) -> None:
    assert diagnosed.status == 0, diagnosed.text
    seen = diagnosed.report("diagnosis.json")["hosts"]
    assert {name: seen[name]["verdict"] for name in NAMES} == {
        **dict.fromkeys(WELL, "healthy"),
        **dict.fromkeys(WRONG, "findings"),
        **dict.fromkeys(LOST, "unknown"),
    }, diagnosed.text
    assert {name: [finding["id"] for finding in seen[name]["findings"]] for name in WRONG} == {
        name: [incident] for name, incident in WRONG.items()
    }
    for worker in shop.spinning:
        [finding] = seen[worker.host.name]["findings"]
        assert (finding["process"]["pid"], finding["confidence"]) == (worker.pid(), "proven")
        assert (finding["cause"]["peer"]["host"], finding["cause"]["setting"]) == ("redis1", "timeout")
    assert f"{shop.proxy.pages[-1].address}:8080" in seen["proxy1"]["findings"][0]["title"]


def test_lost_hosts_are_told_apart_and_never_called_healthy(diagnosed: Outcome) -> None:
    seen = diagnosed.report("diagnosis.json")["hosts"]
    [dark], [broken] = seen[UNREACHABLE]["errors"], seen[FAILING]["errors"]
    assert dark["reason"].startswith("the host was not reached: ")
    assert broken["reason"].startswith("gathering failed: ")


def test_diagnose_changes_nothing(diagnosed: Outcome, shop: Site) -> None:
    assert set(_changed(diagnosed).values()) == {0}
    assert shop.broker.live_timeout() == shop.broker.stored_timeout() > 0
    assert [each.stopwaitsecs() for each in shop.exporters] == [None, None]
    assert shop.proxy.taken_out() == []


def test_remediate_heals_in_batches_and_is_right_about_every_host(healed: Outcome) -> None:
    result = healed.report("result.json")
    complaints = result["not_healed"]
    # The run fails, for two hosts were not seen; of nothing else.
    assert healed.status != 0
    assert {complaint.split(":")[0] for complaint in complaints} == set(LOST), healed.text
    rows = {name: [*result["hosts"][name]["processes"], *result["hosts"][name]["subjects"]] for name in result["hosts"]}
    assert {name: [row["healed"] for row in rows[name]] for name in WRONG} == {name: [True] for name in WRONG}
    assert [(cause["host"], cause["verdict"]) for cause in result["causes"]] == [("redis1", "removed")]
    assert {name for name in rows if name not in WRONG} == set(LOST), "those that are healthy are not in it"
    # redis1 and proxy1 one after the other, then both exporters at once; then the two workers one by one.
    assert healed.text.count("PLAY [Remove the causes]") == 3
    assert _TOGETHER.search(healed.text)
    assert healed.text.count("PLAY [Deal with the symptoms]") == 2


def test_what_was_changed_is_what_had_to_be(healed: Outcome, shop: Site) -> None:
    changed = {name for name, count in _changed(healed).items() if count}
    assert changed - {"localhost"} == {*WRONG, "redis1"}
    assert shop.broker.live_timeout() == shop.broker.stored_timeout() == 0
    assert shop.proxy.taken_out() == [f"{shop.proxy.pages[-1].address}:8080"]
    for each in shop.exporters:
        assert (each.stopwaitsecs() or 0) >= 900
        assert each.runs()
        assert "SIGKILL" not in each.history()


def test_the_same_processes_work_again(healed: Outcome, shop: Site, born: dict[str, int]) -> None:
    assert healed.text
    for worker in shop.spinning:
        assert worker.spins_on() is None
        assert worker.pid() == born[worker.host.name]
        worker.release()
    for worker in (*shop.spinning, shop.idle):
        wait_for(lambda worker=worker: not worker.undone(), 60, f"the tasks of {worker.host.name}")  # type: ignore[misc]
        assert set(worker.ledger.count("done").values()) == {1}


def test_a_second_run_changes_nothing(healed: Outcome, ansible: Control) -> None:
    assert healed.text
    again = _timed("remediate", ansible)
    assert set(_changed(again).values()) == {0}, again.text
    seen = again.report("diagnosis.json")["hosts"]
    assert {name for name in NAMES if seen[name]["verdict"] != "healthy"} == set(LOST)
    assert again.report("plan.json")["actions"] == []
    assert again.status != 0, "two hosts were not seen"
