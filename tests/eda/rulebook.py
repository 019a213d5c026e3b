# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of the collection's rulebooks in a real ansible-rulebook."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eda.posting import free_port, listens, post
from readme.hosts import REPOSITORY
from scenario_kit.processes import Program, started
from scenario_kit.waiting import wait_for

TOKEN = "kiln-token"  # noqa: S105 - made up
START_S = 300
RUN_S = 400
_ENDED = "PLAY RECAP"


@dataclass(frozen=True)
class Rulebook:
    """It runs and listens; ``folder`` has its report and what it remembers."""

    program: Program
    port: int
    folder: Path

    def post(self, payload: Any, token: str | None = TOKEN) -> int:
        """Post an event and return the status of the answer."""
        return post(f"http://127.0.0.1:{self.port}/endpoint", payload, token)

    def runs(self) -> int:
        """How many playbooks have ended."""
        return self.log().count(_ENDED)

    def log(self) -> str:
        """All that it and its playbooks have said."""
        return self.program.log.read_text(errors="replace")

    def after_one_more(self, runs: int) -> str:
        """What was said since the playbook before the one that is waited for, which is number ``runs`` + 1."""
        wait_for(lambda: self.runs() > runs or not self.program.running(), RUN_S, "a playbook to end")
        assert self.program.running(), self.program.tail()
        assert self.runs() == runs + 1
        return self.log().split(_ENDED)[runs]

    def report(self, name: str = "diagnosis.json") -> dict[str, Any] | None:
        """A document of the last look, None when there was none."""
        path = self.folder / "report" / name
        return json.loads(path.read_text()) if path.exists() else None

    def looked_at(self) -> set[str]:
        """Hosts of the last look."""
        diagnosis = self.report()
        return set(diagnosis["hosts"]) if diagnosis else set()


@contextmanager
def rulebook(name: str, inventory: Path, folder: Path, **variables: Any) -> Iterator[Rulebook]:
    """Run it for the length of the block, its variables on top of what a site must set."""
    folder.mkdir()
    port = free_port()
    given: Mapping[str, Any] = {
        "closewait_event_token": TOKEN,
        "closewait_event_port": port,
        "closewait_event_state_file": str(folder / "events.json"),
        "closewait_output_dir": str(folder / "report"),
        **variables,
    }
    (folder / "vars.json").write_text(json.dumps(given))
    argv = [sys.executable, "-m", "ansible_rulebook", "--rulebook", f"closewait.remediation.{name}"]
    options = ["--inventory", str(inventory), "--vars", str(folder / "vars.json")]
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "TMPDIR": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with started([*argv, *options], folder / "log", environment) as program:
        wait_for(lambda: listens(port) or not program.running(), START_S, "the rulebook to listen")
        assert program.running(), program.tail()
        yield Rulebook(program, port, folder)
