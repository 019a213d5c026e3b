# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules really put out, against the published schemas."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.closewait.remediation.plugins.plugin_utils import _gathered, _report_files
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Diagnosis, Plan, Result, Risk
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.plugins.plugin_utils._verdict import judge
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import test_connection_explosion as crowd
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import test_half_closed_leak as leak
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.scenes import diagnosed, incident

SCHEMAS = Path(__file__).resolve().parents[4] / "docs" / "schema"
GEVENT = make.runtime(loops=("gevent 24.11.1",), role="celery-gevent")
STALE = make.watcher(events=make.OUT, socket=make.watched("ESTABLISHED", recv_q=0))


@cache
def schema(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    return document


def check(name: str, document: Any) -> None:
    jsonschema.Draft202012Validator(schema(name)).validate(json.loads(json.dumps(document)))


def haunted(*suspects: make.Fact, **changed: Any) -> dict[str, Any]:
    return incident(tcp=make.tcp(watchers=make.watchers(*suspects)), **changed)


def suspected() -> dict[str, Any]:
    rows = [make.by_process({"600": 4})]
    tcp = make.tcp(watchers=make.watchers(), close_wait=make.close_wait(rows=rows))
    return incident(tcp=tcp, cpu=make.cpu(make.process(runtime=GEVENT)))


#: Every kind of finding, remedy and gap.
FLEETS = {
    "proven": incident(),
    "reset": haunted(make.watcher(socket={"state": "CLOSE"})),
    "restart": incident(cpu=make.cpu(make.process(runtime=None, supervisor=None))),
    "suspected": suspected(),
    "ghost": haunted(make.ghost(), make.ghost(inode=8800002, socket=None, holders=[], number_now=None)),
    "stale": haunted(STALE),
    "explosion": {make.HOST: make.registered(crowd.crowded())},
    "leak": {make.HOST: make.registered(leak.holding(leak.LEAK, fd_limit=240))},
    "leak without limit": {make.HOST: make.registered({**leak.holding(leak.LEAK, fd_limit=None), "cpu": None})},
    "blind": {**incident(tcp=make.tcp(watchers=None, errors=[{"source": "x", "reason": "y"}])), "cellar": None},
    "malformed": {make.HOST: make.registered(make.worker(tcp={"errors": []}))},
    "healthy": {make.REDIS_HOST: make.registered(make.server())},
    "empty": {},
    "cured": incident(
        tcp=make.tcp(watchers=make.watchers(), close_wait=make.close_wait([], [])), cpu=make.cpu(make.sleeping())
    ),
}


@pytest.mark.parametrize("results", FLEETS.values(), ids=FLEETS)
@pytest.mark.parametrize("allow", ["config", "disruptive"])
def test_diagnosis_and_plan(results: dict[str, Any], allow: Risk) -> None:
    diagnosis = diagnosed(results)
    check("diagnosis", diagnosis)
    check("plan", plan(diagnosis, allow))


def later(results: dict[str, Any]) -> dict[str, Any]:
    """The same facts, gathered at another time."""
    moved = copy.deepcopy(results)
    for result in filter(None, moved.values()):
        result["ansible_facts"]["closewait"]["gathered_at"] = "2026-11-03T00:00:00Z"
    return moved


def verdicts() -> Iterator[Result]:
    for before in FLEETS.values():
        earlier = diagnosed(before)
        for after in FLEETS.values():
            gathered = {host: _gathered.from_result(result, "seen") for host, result in later(after).items()}
            checks: Any = {make.HOST: [{"argv": ["probe"], "ok": False, "reason": "exit status 1"}]}
            yield judge(earlier, gathered, plan(earlier, "disruptive"), checks, {}, Thresholds())


def test_result_of_every_fleet_after_every_fleet() -> None:
    seen = set()
    for result in verdicts():
        check("result", result)
        seen |= {process["verdict"] for host in result["hosts"].values() for process in host["processes"]}
    assert seen >= {"healed", "still_spinning", "worse", "could_not_look"}


@pytest.mark.parametrize("results", FLEETS.values(), ids=FLEETS)
def test_written_documents_are_read_back_whole(results: dict[str, Any], tmp_path: Path) -> None:
    diagnosis = diagnosed(results)
    steps = plan(diagnosis, "live", ["fd_close"])
    check("plan", steps)
    _report_files.write(tmp_path, "d", diagnosis)
    _report_files.write(tmp_path, "p", steps)
    assert _report_files.read(tmp_path, "d", Diagnosis) == diagnosis
    assert _report_files.read(tmp_path, "p", Plan) == steps


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema_version"], 2),
        (["hosts", make.HOST, "verdict"], "healthy"),
        (["hosts", make.HOST, "verdict"], "unknown"),
        (["hosts", make.HOST, "findings"], []),
        (["hosts", make.HOST, "findings", 0, "confidence"], "certain"),
        (["hosts", make.HOST, "findings", 0, "process", "pid"], 0),
        (["hosts", make.HOST, "findings", 0, "remedy", 0, "vars", "timeout"], 60),
        (["hosts", make.HOST, "findings", 0, "remedy", 0, "risk"], "live"),
        (["hosts", make.HOST, "findings", 0, "remedy", 1, "risk"], "invasive"),
        (["hosts", make.HOST, "findings", 0, "remedy", 1, "vars", "worker", "pid"], None),
        (["hosts", make.HOST, "findings", 0, "remedy", 1, "vars", "peer"], "198.51.100.77"),
        (["hosts", make.HOST, "findings", 0, "remedy", 2, "where"], None),
        (["hosts", make.HOST, "findings", 0, "remedy", 2, "vars", "targets"], []),
        (["hosts", make.HOST, "findings", 0, "remedy", 2, "vars", "targets", 0, "cookie"], "0x12"),
        (["hosts", make.HOST, "findings", 0, "evidence", "registrations", 0, "events"], 25),
        (["hosts", make.HOST, "surprise"], 1),
    ],
)
def test_the_schema_refuses(path: list[Any], value: Any) -> None:
    document: Any = copy.deepcopy(diagnosed(incident()))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        check("diagnosis", document)


def test_the_schemas_agree_where_they_say_the_same() -> None:
    definitions: dict[str, Any] = {}
    for name in ("diagnosis", "plan", "result"):
        document = schema(name)
        jsonschema.Draft202012Validator.check_schema(document)
        for key, value in document["$defs"].items():
            assert definitions.setdefault(key, value) == value
