# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two actions in real runs of ansible-playbook: registered results in, files and results out."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make

LATER = "2026-11-02T08:24:09Z"
HOSTILE = "celery\x1b[2J{{ 6 * 7 }}\u202e"

#: A module, so that results are registered as they are in a play, untrusted text included.
GATHER = """\
from __future__ import annotations
import json
from pathlib import Path
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={"src": {"type": "path"}}, supports_check_mode=True)
module.exit_json(**json.loads(Path(module.params["src"]).read_text()))
"""

INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "hosts": {
            make.HOST: {"closewait_redis_host": "{{ 'lar' ~ 'der' }}"},
            make.REDIS_HOST: None,
            "twin": None,
            "attic": None,
            "mute": None,
        },
    }
}

#: "attic" has cached facts but no registered result; "mute" fails.
PLAYBOOK: list[dict[str, Any]] = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"set_fact": {"closewait": "{{ lookup('file', 'before/kiln-2.json') | from_json }}", "cacheable": True}},
            {
                "made_up_facts": {"src": "{{ playbook_dir }}/before/{{ inventory_hostname }}.json"},
                "register": "closewait_gathered",
                "ignore_errors": True,
                "when": "inventory_hostname != 'attic'",
            },
            {
                "closewait.remediation.diagnosis": {"output_dir": "{{ out }}", "allow": "invasive"},
                "register": "diagnosed",
                "run_once": True,
            },
            {
                "copy": {"content": "{{ diagnosed | to_json }}", "dest": "{{ out }}/seen.json", "mode": "0600"},
                "run_once": True,
                "check_mode": False,
            },
        ],
    },
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "made_up_facts": {"src": "{{ playbook_dir }}/after/{{ inventory_hostname }}.json"},
                "register": "closewait_gathered",
                "when": "inventory_hostname in ['kiln-2', 'larder']",
            },
            {
                "command": {"argv": ["{{ ansible_playbook_python }}", "-c", "raise SystemExit({{ item }})"]},
                "loop": [0, 3],
                "register": "closewait_checks",
                "ignore_errors": True,
                "check_mode": False,
                "when": "inventory_hostname == 'kiln-2'",
            },
            {
                "closewait.remediation.verdict": {"output_dir": "{{ out }}"},
                "register": "judged",
                "run_once": True,
            },
            {"assert": {"that": ["not judged.healed", "judged is not changed"]}, "run_once": True},
        ],
    },
]


def play(folder: Path, playbook: Any, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook against made-up hosts; the collection is the one under test."""
    (folder / "library").mkdir(exist_ok=True)
    (folder / "library" / "made_up_facts.py").write_text(GATHER)
    (folder / "inventory.json").write_text(json.dumps(INVENTORY))
    (folder / "play.json").write_text(json.dumps(playbook))
    # Under ansible-test there is no installed ansible-playbook, only its modules.
    argv = [sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.json", "play.json", *options]
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(collections()),
        "ANSIBLE_LIBRARY": str(folder / "library"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)


def collections() -> Path:
    """The folder that has ansible_collections in it: around this file, or the link in a checkout."""
    root = Path(__file__).resolve().parents[4]
    if root.parts[-3:] == ("ansible_collections", "closewait", "remediation"):
        return root.parents[2]
    return root / "playbooks" / "collections"


def put(folder: Path, **results: make.Fact) -> None:
    """Results of the gathering module per host."""
    folder.mkdir()
    for host, result in results.items():
        (folder / f"{host.replace('_', '-')}.json").write_text(json.dumps(result))


class Run:
    """One run of the playbook in check mode, with what it left behind."""

    def __init__(self, folder: Path) -> None:
        spinning = make.worker(cpu=make.cpu(make.process(name=HOSTILE)))
        put(
            folder / "before",
            kiln_2=make.registered(spinning),
            larder=make.registered(make.server()),
            twin=make.registered(make.server()),
        )
        cured = make.tcp(watchers=make.watchers(), close_wait=make.close_wait([], []))
        calm = make.worker(tcp=cured, cpu=make.cpu(make.sleeping(), asked=[make.PID]))
        quiet = make.server(redis=make.redis(make.instance(timeout=0)))
        put(folder / "after", kiln_2=make.registered(calm, LATER), larder=make.registered(quiet, LATER))
        self.out = folder / "report"
        self.process = play(folder, PLAYBOOK, "--check", "-e", f"out={self.out}")
        assert self.process.returncode == 0, self.process.stdout + self.process.stderr

    def read(self, name: str) -> Any:
        """A file of the report."""
        return json.loads((self.out / name).read_text())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("run"))


def test_every_host_of_the_play_has_a_verdict(run: Run) -> None:
    hosts = run.read("diagnosis.json")["hosts"]
    assert {name: host["verdict"] for name, host in hosts.items()} == {
        make.HOST: "findings",
        make.REDIS_HOST: "healthy",
        "twin": "healthy",
        "attic": "unknown",
        "mute": "unknown",
    }


def test_cached_facts_are_never_used(run: Run) -> None:
    attic = run.read("diagnosis.json")["hosts"]["attic"]
    assert attic["findings"] == []
    assert attic["errors"] == [{"source": "closewait_gathered", "reason": "gathering was skipped"}]


def test_failure_is_told_as_it_was(run: Run) -> None:
    [error] = run.read("diagnosis.json")["hosts"]["mute"]["errors"]
    assert error["reason"].startswith("gathering failed: ")
    assert "mute.json" in error["reason"]


def test_returned_and_written_are_the_same(run: Run) -> None:
    seen = run.read("seen.json")
    assert seen["changed"] is False
    assert seen["diagnosis"] == run.read("diagnosis.json")
    assert seen["plan"] == run.read("plan.json")
    assert seen["paths"] == {"diagnosis": str(run.out / "diagnosis.json"), "plan": str(run.out / "plan.json")}


def test_the_variable_of_the_host_settles_an_ambiguous_address(run: Run) -> None:
    # Both "larder" and "twin" have the address of the Redis; the variable is a template.
    [finding] = run.read("diagnosis.json")["hosts"][make.HOST]["findings"]
    assert finding["cause"]["peer"]["host"] == make.REDIS_HOST
    where = [step["where"] for step in run.read("plan.json")["actions"]]
    assert where == [make.REDIS_HOST, make.REDIS_HOST, make.HOST]


def test_hostile_names_are_data(run: Run) -> None:
    [finding] = run.read("diagnosis.json")["hosts"][make.HOST]["findings"]
    assert finding["process"]["name"] == HOSTILE
    assert r"celery\x1b[2J{{ 6 * 7 }}\u202e (20417) spins" in run.process.stdout
    assert "\x1b" not in run.process.stdout


def test_the_reader_is_told_where_the_report_is_and_nothing_is_deprecated(run: Run) -> None:
    output = run.process.stdout + run.process.stderr
    assert f"REPORT  {run.out} (diagnosis.json, plan.json)" in output
    assert f"REPORT  {run.out} (result.json)" in output
    assert "deprecat" not in output.lower()


@pytest.mark.parametrize("name", ["diagnosis.json", "plan.json", "result.json"])
def test_files_are_for_their_owner_only_also_in_check_mode(run: Run, name: str) -> None:
    assert stat.S_IMODE((run.out / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(run.out.stat().st_mode) == 0o700


def test_verdict(run: Run) -> None:
    result = run.read("result.json")
    assert [process["verdict"] for process in result["hosts"][make.HOST]["processes"]] == ["healed"]
    assert [cause["verdict"] for cause in result["causes"]] == ["removed"]
    checks = result["hosts"][make.HOST]["checks"]
    assert [(check["argv"][-1], check["ok"]) for check in checks] == [
        ("raise SystemExit(0)", True),
        ("raise SystemExit(3)", False),
    ]
    assert result["healed"] is False
    # The hosts that were not looked at again are not taken for healthy ones.
    assert [line.split(": ")[0] for line in result["not_healed"]] == [make.HOST, "twin", "attic", "mute"]
    assert "NOT HEALED" in run.process.stdout


MISTAKES = [
    ("diagnosis", {"thresholds": {"leak_totla": 3}}, "no diagnosis was written: unknown thresholds: leak_totla"),
    ("diagnosis", {"allow": "everything"}, "value of allow must be one of: config, live, invasive, disruptive"),
    ("diagnosis", {"output_dir": "play.json/x"}, "no diagnosis was written: "),
    ("verdict", {"output_dir": "nowhere"}, "no verdict was written: "),
    ("verdict", {"output_directory": "x"}, "Unsupported parameters"),
]


def test_the_callers_mistakes(tmp_path: Path) -> None:
    tasks = [
        {f"closewait.remediation.{action}": arguments, "run_once": True, "ignore_errors": True}
        for action, arguments, _says in MISTAKES
    ]
    done = play(tmp_path, [{"hosts": make.HOST, "gather_facts": False, "tasks": tasks}])
    output = done.stdout + done.stderr
    assert done.returncode == 0
    assert f"ignored={len(MISTAKES)}" in output
    assert [says for _action, _arguments, says in MISTAKES if says not in output] == []
    assert "Traceback" not in output
