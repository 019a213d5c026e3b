# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""impatient_supervisor and orphaned_workers, as a table of cases."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Outcome
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import ask, diagnosed, only

CHANGED = 1_790_000_000.0
CELERY = {"pool": "prefork", "limits_s": []}


def program(**changed: Any) -> make.Fact:
    process = {"name": "kilns:kiln", "state": "RUNNING", "pid": 80, "start_time": 9000, "started_at": CHANGED + 9}
    return {
        "program": "program:kiln",
        "groups": ["kilns"],
        "stopwaitsecs": 10,
        "stopsignal": "TERM",
        "stopasgroup": False,
        "killasgroup": False,
        "autorestart": "true",
        "changed_at": CHANGED,
        "in_force": True,
        "celery": CELERY,
        "tasks_seen": 4,
        "longest_task_s": 3.2,
        "processes": [process],
        **changed,
    }


def daemon(*programs: make.Fact, **changed: Any) -> make.Fact:
    return {
        "pid": 70,
        "start_time": 100,
        "configuration": "/srv/kilns/supervisord.conf",
        "unit": None,
        "programs": list(programs),
        "programs_omitted": 0,
        "kills": [],
        "kills_total": 0,
        "error": None,
        **changed,
    }


def supervisor(*daemons: make.Fact, **changed: Any) -> make.Fact:
    return {"errors": [], "daemons": list(daemons), "omitted": 0, "orphans": [], "orphans_omitted": 0, **changed}


def kill(at: float | None, process: str = "kiln") -> make.Fact:
    return {"process": process, "pid": 55, "at": at}


def impatience(seen: make.Fact) -> Outcome:
    return ask("impatient_supervisor", {**make.worker(), "supervisor": seen})


def found(*programs: make.Fact, **changed: Any) -> Finding:
    return only(impatience(supervisor(daemon(*programs, **changed))))


def wanted(finding: Finding) -> dict[str, Any]:
    values: dict[str, Any] = finding["remedy"][0]["vars"]["programs"][0]
    return values


def test_killed_since_the_file_was_changed() -> None:
    finding = found(program(longest_task_s=None, tasks_seen=0), kills=[kill(CHANGED + 60)])
    assert (finding["confidence"], finding["process"]) == ("proven", None)
    assert finding["subject"] == "program kiln of supervisord (/srv/kilns/supervisord.conf)"
    assert finding["evidence"]["kills_total"] == 1
    assert wanted(finding)["stopwaitsecs"] == 600
    assert wanted(finding)["killasgroup"] is True


@pytest.mark.parametrize(
    "seen",
    [
        daemon(program(), kills=[kill(CHANGED - 60)]),
        daemon(program(), kills=[kill(None)]),
        daemon(program(), kills=[kill(CHANGED + 60, "other")]),
        daemon(program(longest_task_s=9.9)),
        daemon(program(stopwaitsecs=600, longest_task_s=41.2)),
        daemon(program(celery={"pool": "prefork", "limits_s": [10]})),
        daemon(program(stopasgroup=True, celery=None)),
        daemon(program(stopasgroup=True, celery={"pool": "gevent", "limits_s": []})),
        daemon(program(celery=None, longest_task_s=None)),
        daemon(),
    ],
)
def test_silent(seen: make.Fact) -> None:
    assert impatience(supervisor(seen)) == Outcome([], [])


def test_a_task_was_seen_to_take_longer() -> None:
    finding = found(program(longest_task_s=41.2))
    assert finding["confidence"] == "likely"
    assert "41 s (the longest of 4 in its log)" in finding["title"]
    assert wanted(finding)["stopwaitsecs"] == 83


def test_a_task_may_take_longer() -> None:
    finding = found(program(celery={"pool": "prefork", "limits_s": [30.0, 25.0]}))
    assert "30 s (its time limit)" in finding["title"]


def test_the_signal_to_the_group_is_wrong_for_a_pool() -> None:
    finding = found(program(stopwaitsecs=600, stopasgroup=True))
    assert "stopasgroup=true" in finding["title"]
    assert (wanted(finding)["stopasgroup"], wanted(finding)["stopwaitsecs"]) == (False, 600)


def test_what_is_written_but_not_in_force_is_said() -> None:
    finding = found(program(longest_task_s=41.2, in_force=False))
    assert any("not in force yet" in text for text in finding["evidence"]["told"])
    finding = found(program(longest_task_s=41.2, in_force=None), error="no answer")
    assert any("could not be asked: no answer" in text for text in finding["unknowns"])


def test_how_often_it_was_killed_is_said() -> None:
    once = found(program(), kills=[kill(CHANGED + 60)])
    assert "killed it once because" in once["title"]
    twice = found(program(), kills=[kill(CHANGED + 60), kill(CHANGED + 90)])
    assert "killed it 2 times because" in twice["title"]


def test_settings_not_in_force_are_no_finding_by_themselves() -> None:
    assert impatience(supervisor(daemon(program(in_force=False)))) == Outcome([], [])


def test_what_a_finding_could_not_see_is_said_and_nothing_else() -> None:
    slow = {"longest_task_s": 41.2}
    assert found(program(**slow))["unknowns"] == []
    assert [text[:22] for text in found(program(**slow), kills=None)["unknowns"]] == ["the log of supervisord"]
    limited = program(celery={"pool": "prefork", "limits_s": [30.0]}, longest_task_s=None, tasks_seen=0)
    assert [text[:16] for text in found(limited)["unknowns"]] == ["no finished task"]
    other = program(celery=None, tasks_seen=0, longest_task_s=None)
    assert found(other, kills=[kill(CHANGED + 60)])["unknowns"] == []


def test_what_is_above_supervisord_has_to_wait_as_well() -> None:
    unit = {"name": "supervisor.service", "stop_timeout_s": 30.0}
    finding = found(program(longest_task_s=41.2), unit=unit)
    assert "raise its TimeoutStopSec above 83" in finding["remedy"][1]["why"]
    for patient in (84.0, None):
        assert len(found(program(longest_task_s=41.2), unit={**unit, "stop_timeout_s": patient})["remedy"]) == 1


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (daemon(program(stopwaitsecs=None)), "cannot be told"),
        (daemon(programs=None, error="denied"), "denied"),
        (daemon(programs_omitted=3), "3 programs"),
    ],
)
def test_what_could_not_be_seen_is_unknown(seen: make.Fact, said: str) -> None:
    outcome = impatience(supervisor({**seen, "programs": seen["programs"]}))
    assert outcome.findings == []
    assert [said in text for text in outcome.unknowns] == [True]


def test_without_the_facts_it_is_unknown() -> None:
    assert impatience(supervisor(daemons=None, errors=[{"source": "/proc", "reason": "gone"}])).unknowns
    assert ask("impatient_supervisor", {**make.worker(), "supervisor": None}).unknowns


def orphan(**changed: Any) -> make.Fact:
    return {
        "pid": 60,
        "start_time": 500,
        "ppid": 1,
        "name": "celery",
        "cmdline": ["celery", "worker"],
        "program": "kilns:kiln",
        "current_pid": 80,
        "celery": True,
        **changed,
    }


def orphaned(seen: make.Fact) -> Outcome:
    return ask("orphaned_workers", {**make.worker(), "supervisor": seen})


def test_a_worker_left_behind() -> None:
    finding = only(orphaned(supervisor(orphans=[orphan()])))
    assert (finding["confidence"], finding["severity"]) == ("likely", "high")
    assert finding["process"] is not None
    assert finding["process"]["start_time"] == 500
    assert "kill -TERM 60" in finding["remedy"][0]["why"]
    assert [remedy["action"] for remedy in finding["remedy"]] == ["advice"]


def test_anything_else_is_suspected() -> None:
    finding = only(orphaned(supervisor(orphans=[orphan(celery=False, current_pid=None)])))
    assert (finding["confidence"], finding["severity"]) == ("suspected", "medium")
    assert "does not run it now" in finding["title"]


def test_nothing_left_behind_and_nothing_seen_are_two_things() -> None:
    assert orphaned(supervisor()) == Outcome([], [])
    assert orphaned(supervisor(orphans=None, errors=[{"source": "environments of processes", "reason": "x"}])).unknowns
    assert orphaned(supervisor(orphans_omitted=2)).unknowns == ["2 more such processes are not listed"]
    assert orphaned(supervisor(errors=[{"source": "environments of processes", "reason": "denied"}])).unknowns


def test_the_plan_drains_only_when_that_is_allowed() -> None:
    facts = {**make.server(), "supervisor": supervisor(daemon(program(longest_task_s=41.2)))}
    diagnosis = diagnosed({make.HOST: make.registered(facts)})
    [step] = plan(diagnosis, "live")["actions"]
    assert (step["action"], step["stage"], step["risk"], step["allowed"]) == (
        "supervisor_stopwait",
        "cause",
        "disruptive",
        False,
    )
    assert plan(diagnosis, "disruptive")["not_healed"] == []
    assert len(plan(diagnosis, "live")["not_healed"]) == 1
