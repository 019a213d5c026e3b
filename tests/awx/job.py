# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as AWX starts it: a private data directory for ansible-runner, with project, inventory and answers in it.

What AWX does was read in its source (awx/main/utils/safe_yaml.py, models/workflow.py, tasks/callback.py): answers and
what jobs before have published are marked ``!unsafe``; what a job publishes is ``artifact_data`` of its last event. The
inventory is a script that prints JSON, of a slice with no hosts but its own; collections are looked for where this one
is not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

COLLECTIONS = "/runner/requirements_collections:~/.ansible/collections:/usr/share/ansible/collections"
LONGEST_S = 400
Hosts = Mapping[str, Mapping[str, Any]]


class _Answers(yaml.SafeDumper):
    """Marks every text, keys included, as what is not to be evaluated."""

    def represent_data(self, data: Any) -> yaml.Node:
        """A text with the tag, anything else as ever."""
        if isinstance(data, str):
            return self.represent_scalar("!unsafe", data)
        node: yaml.Node = super().represent_data(data)
        return node


def sliced(hosts: Hosts, number: int, count: int) -> dict[str, Mapping[str, Any]]:
    """The hosts of one slice of a job, counted from 1."""
    return {name: hosts[name] for name in sorted(hosts)[number - 1 :: count]}


@dataclass(frozen=True)
class Outcome:
    """What is left of a job."""

    artifacts: Path

    @property
    def status(self) -> str:
        """``successful`` or ``failed``."""
        return (self.artifacts / "status").read_text()

    @property
    def output(self) -> str:
        """What a person sees in AWX."""
        return (self.artifacts / "stdout").read_text()

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The data of all events of a kind, in order."""
        paths = (self.artifacts / "job_events").glob("*.json")
        found = sorted((json.loads(path.read_text()) for path in paths), key=lambda event: int(event["counter"]))
        return [event["event_data"] for event in found if event["event"] == kind]

    @property
    def published(self) -> dict[str, Any]:
        """What AWX keeps as the artifacts of the job, and hands to the next one of a workflow."""
        [stats] = self.events("playbook_on_stats")
        published: dict[str, Any] = stats.get("artifact_data", {})
        return published


@dataclass(frozen=True)
class Job:
    """A private data directory that is ready to run."""

    folder: Path
    playbook: str

    def run(self) -> Outcome:
        """Run it here, as a container of AWX does."""
        self._runner(["run", str(self.folder), *self._what()])
        return Outcome(self.folder / "artifacts" / "1")

    def over_the_mesh(self, elsewhere: Path) -> Outcome:
        """Run it the way of the mesh: packed on one node, run on another, unpacked on the first."""
        there, back = elsewhere / "there", elsewhere / "back"
        there.mkdir(parents=True)
        packed = self._runner(["transmit", str(self.folder), *self._what()])
        answer = self._runner(["worker", "--private-data-dir", str(there)], packed)
        self._runner(["process", str(back), "--ident", "1"], answer)
        return Outcome(back / "artifacts" / "1")

    def _what(self) -> list[str]:
        return ["--playbook", self.playbook, "--ident", "1"]

    def _runner(self, words: Sequence[str], given: bytes = b"") -> bytes:
        ours = ("ANSIBLE_", "PYTHONPATH")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        argv = [sys.executable, "-m", "ansible_runner", *words]
        run = subprocess.run(argv, input=given, env=environment, capture_output=True, timeout=LONGEST_S, check=False)
        assert run.stdout, run.stderr.decode()
        return run.stdout


def job(folder: Path, project: Path, playbook: str, hosts: Hosts, answers: Mapping[str, Any]) -> Job:
    """A job of this playbook, which is a path in the project."""
    for name in ("env", "inventory"):
        (folder / name).mkdir(parents=True)
    (folder / "project").symlink_to(project)
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
    }
    (folder / "env" / "envvars").write_text(json.dumps(settings))
    (folder / "env" / "cmdline").write_text("--become")
    (folder / "env" / "extravars").write_text(yaml.dump(dict(answers), Dumper=_Answers))
    _inventory(folder / "inventory" / "hosts", hosts)
    return Job(folder, playbook)


def _inventory(script: Path, hosts: Hosts) -> None:
    listed = {"all": {"hosts": list(hosts)}, "_meta": {"hostvars": {name: dict(hosts[name]) for name in hosts}}}
    script.write_text(f"#!{sys.executable}\nprint({json.dumps(listed)!r})\n")
    script.chmod(0o700)
