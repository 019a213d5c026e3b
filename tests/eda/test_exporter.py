# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real node_exporter reads what is exported, and Prometheus' own tool judges the file and the alert rules."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from eda.conftest import CALM, SPINNING
from eda.posting import free_port, get, listens
from readme.hosts import REPOSITORY
from scenario_kit.processes import started
from scenario_kit.waiting import wait_for

RULES = REPOSITORY / "extensions" / "prometheus"
HERE = Path(__file__).resolve().parent


@contextmanager
def _node_exporter(folder: Path, *collectors: str) -> Iterator[str]:
    """The address at which it shows what these collectors see."""
    port = free_port()
    argv = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults"]
    with started([*argv, *collectors], folder / "node_exporter.log") as program:
        wait_for(lambda: listens(port) or not program.running(), 20, "node_exporter to listen")
        assert program.running(), program.tail()
        yield f"http://127.0.0.1:{port}/metrics"


@pytest.fixture(scope="module")
def textfile(inventory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the playbook writes of a fleet with one incident, one calm host and one that cannot be reached."""
    folder = tmp_path_factory.mktemp("export")
    listed = json.loads(inventory.read_text())["all"]["hosts"]
    gone = {**listed[CALM[0]], "ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    hosts = {SPINNING: listed[SPINNING], CALM[0]: listed[CALM[0]], 'odd"host\\': gone}
    (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (folder / "textfile").mkdir()
    path = folder / "textfile" / "closewait.prom"
    playbook = str(REPOSITORY / "playbooks" / "export.yml")
    argv = [sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.json", "-e", f"closewait_textfile={path}"]
    run = subprocess.run([*argv, playbook], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert path.exists(), run.stdout + run.stderr
    return path


def test_node_exporter_shows_the_findings(textfile: Path, tmp_path: Path) -> None:
    collectors = ("--collector.textfile", f"--collector.textfile.directory={textfile.parent}")
    with _node_exporter(tmp_path, *collectors) as address:
        shown = get(address).splitlines()
    assert "node_textfile_scrape_error 0" in shown
    finding = 'closewait_finding{confidence="proven",host="worker1",id="half_closed_spin",process="python"'
    assert [line for line in shown if line.startswith("closewait_finding{")] == [f'{finding},severity="critical"}} 1']
    verdicts = [line for line in shown if line.startswith("closewait_host_verdict{")]
    assert sorted(verdicts) == [
        'closewait_host_verdict{host="odd\\"host\\\\",verdict="unknown"} 1',
        'closewait_host_verdict{host="worker1",verdict="findings"} 1',
        'closewait_host_verdict{host="worker2",verdict="healthy"} 1',
    ]


def test_promtool_finds_no_fault_in_the_file(textfile: Path) -> None:
    with textfile.open("rb") as text:
        run = subprocess.run(["promtool", "check", "metrics"], stdin=text, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


@pytest.mark.parametrize("name", ["findings", "symptoms"])
def test_the_alerts_fire_when_they_should(name: str) -> None:
    run = subprocess.run(
        ["promtool", "test", "rules", f"{name}.test.yml"], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("name", ["findings", "symptoms"])
def test_every_alert_is_tested(name: str) -> None:
    rules = yaml.safe_load((RULES / f"{name}.rules.yml").read_text())["groups"]
    tests = yaml.safe_load((HERE / f"{name}.test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert fired == {rule["alert"] for group in rules for rule in group["rules"]}


def test_node_exporter_has_what_the_symptoms_are_about(tmp_path: Path) -> None:
    text = (RULES / "symptoms.rules.yml").read_text()
    wanted = set(re.findall(r"\bnode_\w+", "\n".join(line for line in text.splitlines() if "#" not in line)))
    assert len(wanted) > 3
    with _node_exporter(tmp_path, "--collector.tcpstat", "--collector.sockstat", "--collector.cpu") as address:
        shown = set(re.findall(r"^(node_\w+)", get(address), re.MULTILINE))
    assert wanted <= shown
