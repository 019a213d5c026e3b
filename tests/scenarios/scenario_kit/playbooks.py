# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's playbooks and modules, run as a user runs them from a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).resolve().parents[3]
_PLAYBOOKS = _REPOSITORY / "playbooks"
_INVENTORY = "localhost ansible_connection=local\n"
_LONGEST_RUN_S = 300


@dataclass(frozen=True)
class Outcome:
    """A finished run: its exit status, what it printed, and the folder of its reports."""

    status: int
    text: str
    reports: Path

    def report(self, name: str) -> Any:
        """A document of the run, such as ``diagnosis.json``."""
        return json.loads((self.reports / name).read_text())

    def findings(self, pid: int) -> list[dict[str, Any]]:
        """Findings about one process of localhost."""
        found = self.report("diagnosis.json")["hosts"]["localhost"]["findings"]
        return [finding for finding in found if (finding["process"] or {}).get("pid") == pid]

    def finding(self, pid: int, finding_id: str) -> dict[str, Any]:
        """The one finding of that kind about the process."""
        found = [finding for finding in self.findings(pid) if finding["id"] == finding_id]
        assert len(found) == 1, f"{len(found)} findings {finding_id} about {pid}\n{self.text}"
        return found[0]


@dataclass(frozen=True)
class Control:
    """A control node; ``directory`` takes its inventory, its reports and its scratch.

    ``inventory`` is the text of it, ``settings`` are environment variables of Ansible, which ``python`` has.
    ``guests``: the managed hosts are others than this machine, so what is kept on them may stay where it is by default.
    """

    directory: Path
    inventory: str = _INVENTORY
    settings: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable
    guests: bool = False
    longest_s: float = _LONGEST_RUN_S

    def playbook(self, name: str, **variables: Any) -> Outcome:
        """Run ``playbooks/NAME.yml`` with extra variables."""
        return self._play(name, [], variables)

    def rehearse(self, name: str, **variables: Any) -> Outcome:
        """The same in check mode."""
        return self._play(name, ["--check"], variables)

    def _play(self, name: str, options: Sequence[str], variables: Mapping[str, Any]) -> Outcome:
        reports = self.directory / f"report-{name}"
        usual = {"closewait_output_dir": str(reports), "closewait_batch_seconds": 1, **self._leave_no_trace()}
        extra = json.dumps({**usual, **variables})
        program = str(_PLAYBOOKS / f"{name}.yml")
        command = ["-m", "ansible", "playbook", *options, "-i", self._inventory(), "-e", extra, program]
        return self._run(command, reports)

    def module(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run one module of the collection ad hoc on localhost; its result."""
        text = self.ad_hoc("localhost", f"closewait.remediation.{name}", arguments).text
        result: dict[str, Any] = json.loads(text[text.index("{") : text.rindex("}") + 1])
        return result

    def ad_hoc(self, pattern: str, name: str, arguments: Mapping[str, Any]) -> Outcome:
        """Run a module on the hosts of the pattern; what ``ansible`` prints."""
        given = json.dumps(arguments) if arguments else ""
        command = ["-m", "ansible", "adhoc", "-i", self._inventory(), pattern, "-m", name, "-a", given]
        return self._run(command, self.directory)

    def _leave_no_trace(self) -> dict[str, str]:
        # What is kept on a managed host by default would outlive the scenario on the machine of the tests.
        if self.guests:
            return {}
        return {
            "closewait_scene_dir": str(self.directory / "scenes"),
            "closewait_backup_dir": str(self.directory / "backups"),
            "closewait_lock_file": str(self.directory / "run.lock"),
        }

    def _inventory(self) -> str:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "inventory"
        path.write_text(self.inventory)
        return str(path)

    def _run(self, command: Sequence[str], reports: Path) -> Outcome:
        run = subprocess.run(
            [self.python, *command],
            cwd=self.directory,
            env={**os.environ, **self._environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.longest_s,
            check=False,
        )
        reports.mkdir(parents=True, exist_ok=True)
        (reports / "output.txt").write_text(run.stdout)
        return Outcome(run.returncode, run.stdout, reports)

    def _environment(self) -> dict[str, str]:
        return {
            "ANSIBLE_COLLECTIONS_PATH": str(_PLAYBOOKS / "collections"),
            "ANSIBLE_HOME": str(self.directory / "ansible-home"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
            **self.settings,
        }
