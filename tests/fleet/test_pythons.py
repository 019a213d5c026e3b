# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules over SSH on every Python that a managed host may have: bare hosts see all of this machine's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleet import oldest_core
from fleet.answers import answers
from fleet.bare import Bare
from fleet.control import control
from fleet.hosting import Fleet, hosts
from toolchain import interpreters

PROGRAM = Path(__file__).with_name("half_closed_program.py")
SUPPORTED = [(3, minor) for minor in range(8, 14)]
CANDIDATES = {f"py3{version[1]}": interpreters.find(version) for version in SUPPORTED}
FOUND = {name: interpreter for name, interpreter in CANDIDATES.items() if interpreter is not None}
OLDEST = f"py3{oldest_core.OLDEST_TARGET[1]}"


@dataclass(frozen=True)
class Matrix:
    """A host for each Python; ``pids``: of the process with a half-closed connection, as the host sees it."""

    fleet: Fleet
    pids: dict[str, int]


@contextmanager
def half_closed(words: Sequence[str]) -> Iterator[int]:
    """The pid of the program in there."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        yield int(program.stdout.readline())
        program.kill()


@pytest.fixture(scope="module")
def matrix() -> Iterator[Matrix]:
    with hosts(list(FOUND), Bare()) as fleet, ExitStack() as stack:
        pids = {
            name: stack.enter_context(half_closed(fleet[name].entering(found.path, PROGRAM)))
            for name, found in FOUND.items()
        }
        yield Matrix(fleet, pids)


def ask(matrix: Matrix, directory: Path, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Facts by host; the host with the oldest Python needs an older ansible-core."""
    each = {name: {"ansible_python_interpreter": str(found.path)} for name, found in FOUND.items()}
    facts: dict[str, Any] = {}
    for pattern, python in ((f"all:!{OLDEST}", sys.executable), (OLDEST, None)):
        if pattern == OLDEST and OLDEST not in FOUND:
            continue
        ansible = control(matrix.fleet, directory / pattern[:3], each=each, python=python or oldest_core.python())
        outcome = ansible.ad_hoc(pattern, f"closewait.remediation.{module}", arguments)
        assert outcome.status == 0, outcome.text
        for name, answer in answers(outcome.text).items():
            facts[name] = answer.result["ansible_facts"]["closewait"]
    return facts


def check_tcp(matrix: Matrix, facts: dict[str, Any]) -> None:
    """Each host sees its own half-closed socket and its owner, and nothing of its neighbours."""
    assert sorted(facts) == sorted(FOUND)
    for name, seen in facts.items():
        close_wait = seen["tcp"]["close_wait"]
        assert (close_wait["total"], seen["tcp"]["errors"]) == (1, []), name
        assert [row["pid"] for row in close_wait["by_process"]] == [matrix.pids[name]], name


def test_every_python_of_this_machine_is_tried() -> None:
    """What is missing is named, and one at least is there."""
    missing = [name for name in CANDIDATES if name not in FOUND]
    print(f"not on this machine: {', '.join(missing) or 'none'}")
    assert FOUND


def test_tcp_facts(matrix: Matrix, tmp_path: Path) -> None:
    check_tcp(matrix, ask(matrix, tmp_path, "tcp_facts", {}))


def test_incident_facts(matrix: Matrix, tmp_path: Path) -> None:
    facts = ask(matrix, tmp_path, "incident_facts", {"gather_subset": ["tcp", "cpu"], "window": 0.5})
    check_tcp(matrix, facts)
    for name, seen in facts.items():
        # Few of these Pythons have psutil; then it is said, and nothing is taken for idle.
        cpu = seen["cpu"]
        assert bool(cpu["errors"]) == (cpu["processes"] is None), name
