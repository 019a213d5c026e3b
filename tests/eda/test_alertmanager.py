# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts of a real Alertmanager, and messages that only look like one, posted to a real ansible-rulebook.

Each test has hosts and messages of its own, for what is remembered of a host outlives the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from eda.conftest import CALM, SPINNING
from eda.posting import free_port, listens, post
from eda.rulebook import TOKEN, Rulebook, rulebook
from scenario_kit.processes import started
from scenario_kit.waiting import wait_for

COOL_DOWN_S = 600


@pytest.fixture(scope="module")
def running(inventory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rulebook]:
    folder = tmp_path_factory.mktemp("alertmanager") / "rulebook"
    limits = {"closewait_event_cool_down": COOL_DOWN_S, "closewait_event_per_hour": 50}
    with rulebook("alertmanager", inventory, folder, **limits) as started_one:
        yield started_one


def message(key: str, *instances: object, **more: Any) -> dict[str, Any]:
    """What Alertmanager posts, with an alert for each instance."""
    labels = {"alertname": "CloseWaitSymptomHalfClosed", "closewait": "diagnose", "severity": "warning"}
    alerts = [{"status": "firing", "labels": {**labels, "instance": name}, "annotations": {}} for name in instances]
    return {"version": "4", "groupKey": key, "status": "firing", "receiver": "closewait", "alerts": alerts, **more}


def test_without_the_token_nobody_is_heard(running: Rulebook) -> None:
    before = running.runs()
    assert [running.post(message("no token", CALM[0]), token) for token in (None, "guessed")] == [401, 401]
    assert running.runs() == before


def test_a_hostile_message_brings_nothing_about(running: Rulebook, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = f"{{{{ lookup('ansible.builtin.pipe', 'touch {mark}') }}}}"
    names = ("all", "*", "~worker.*", "worker2,worker3", "worker[2:3]", evil, "localhost", "@/etc/passwd", 7, None)
    everywhere = {evil: evil, "meta": {"hosts": ["worker2"]}, "groupLabels": {"instance": evil}, "externalURL": evil}
    hostile = message(f"hostile {evil}", *names, **everywhere)
    hostile["alerts"][0]["annotations"] = {"summary": evil, evil: evil}
    hostile["alerts"].append({"status": "firing", "labels": {"instance": "worker2"}, "meta": {"hosts": ["all"]}})
    before, report = running.runs(), running.report()
    assert running.post(hostile) == 200
    said = running.after_one_more(before)
    assert "no host of the inventory has this name" in said
    assert "the alert has no label closewait=diagnose" in said
    assert running.report() == report
    assert not mark.exists()


def test_an_alert_of_alertmanager_has_its_host_looked_at_and_no_other(running: Rulebook, tmp_path: Path) -> None:
    before = running.runs()
    with _alertmanager(tmp_path, running) as address:
        [alert] = message("", f"{SPINNING}:9100")["alerts"]
        assert post(f"{address}/api/v2/alerts", [{"labels": alert["labels"]}]) == 200
        running.after_one_more(before)
    diagnosis = running.report()
    assert diagnosis is not None
    findings = {name: [found["id"] for found in host["findings"]] for name, host in diagnosis["hosts"].items()}
    assert findings == {SPINNING: ["half_closed_spin"]}


@contextmanager
def _alertmanager(folder: Path, running: Rulebook) -> Iterator[str]:
    """The address of an Alertmanager that posts there."""
    webhook = {
        "url": f"http://127.0.0.1:{running.port}/endpoint",
        "send_resolved": False,
        "http_config": {"authorization": {"credentials": TOKEN}},
    }
    route = {"receiver": "closewait", "group_by": ["alertname", "instance"], "group_wait": "0s"}
    config = {"route": route, "receivers": [{"name": "closewait", "webhook_configs": [webhook]}]}
    (folder / "alertmanager.yml").write_text(json.dumps(config))
    port = free_port()
    argv = ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data"]
    places = [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with started([*argv, *places], folder / "alertmanager.log") as program:
        wait_for(lambda: listens(port) or not program.running(), 30, "Alertmanager to listen")
        assert program.running(), program.tail()
        yield f"http://127.0.0.1:{port}"


def test_within_the_cool_down_nothing_is_looked_at_again(running: Rulebook) -> None:
    host, before = CALM[0], running.runs()
    running.post(message("cool-down 1", host))
    running.after_one_more(before)
    first = running.report()
    assert running.looked_at() == {host}
    running.post(message("cool-down 2", f"{host}:9100"))
    assert f"left alone for {COOL_DOWN_S} s" in running.after_one_more(before + 1)
    assert running.report() == first


def test_the_same_message_again_starts_no_playbook(running: Rulebook) -> None:
    before = running.runs()
    for _time in range(3):
        running.post(message("the same", CALM[1]))
    running.after_one_more(before)
    assert running.looked_at() == {CALM[1]}
    # Events are dealt with in their order: when this one is done, the others were.
    running.post(message("another", CALM[2]))
    running.after_one_more(before + 1)
    assert running.looked_at() == {CALM[2]}
    assert running.runs() == before + 2


def test_an_alert_that_is_over_starts_no_playbook(running: Rulebook) -> None:
    before = running.runs()
    running.post({**message("over", CALM[0]), "status": "resolved"})
    running.post(message("nobody", "nobody"))
    running.after_one_more(before)
    assert running.runs() == before + 1


def test_what_is_remembered_is_for_its_owner_only(running: Rulebook) -> None:
    path = running.folder / "events.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["looks"]
