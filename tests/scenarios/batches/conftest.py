# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program that spins, on a machine that stands in the inventory under two names: two batches of one host each."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.hardship import Hardship, Victims
from scenario_kit.kernel_scheduling import watch_conduct
from scenario_kit.playbooks import Control
from scenario_kit.processes import Program, started
from scenario_kit.upstream import upstream
from scenario_kit.waiting import wait_for

DEMO = Path(__file__).resolve().parents[3] / "playbooks" / "files"
#: The programs end by themselves after this, which is longer than any test takes on a busy machine.
LONGEST_S = "1200"


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Hardship]:
    with upstream() as peer, Victims(tmp_path, peer).start() as program:
        program.spinner.half_close_until_it_spins()
        yield program


@pytest.fixture
def unseen(tmp_path: Path) -> Iterator[Program]:
    """One that has no socket left when it is cured, so that no fact shows it any more unless it is asked for."""
    server, client = tmp_path / "server.json", tmp_path / "client.json"
    python = sys.executable
    with started([python, DEMO / "demo_server.py", server, LONGEST_S], tmp_path / "server.log"):
        port = str(
            wait_for(lambda: server.exists() and json.loads(server.read_text() or "{}"), 10, "the server")["port"]
        )
        command: list[str | Path] = [python, DEMO / "demo_client.py", client, LONGEST_S, port]
        with started(command, tmp_path / "client.log") as program:
            wait_for(lambda: watch_conduct(program.pid, 0.5).spins, 30, "the client to spin")
            yield program


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path / "control", "".join(f"{name} ansible_connection=local\n" for name in ("kiln", "twin")))
