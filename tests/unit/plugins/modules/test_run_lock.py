# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a host."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Tuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _run_lock
from ansible_collections.closewait.remediation.plugins.module_utils._run_lock import Lease, decide
from ansible_collections.closewait.remediation.plugins.modules import run_lock
from ansible_collections.closewait.remediation.tests.unit.plugins.modules.module_run import Run, runner

HELD = Lease("theirs", "ops on control1", 1000.0, 2800.0)


@pytest.fixture(name="lock")
def _lock(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(run_lock.main, capsys)


@pytest.mark.parametrize(
    ("found", "run", "now", "dead", "outcome"),
    [
        (None, "ours", 1500.0, (), "taken"),
        (HELD, "theirs", 1500.0, (), "renewed"),
        (HELD, "theirs", 9000.0, (), "renewed"),
        (HELD, "ours", 1500.0, (), "held"),
        (HELD, "ours", 2799.9, (), "held"),
        (HELD, "ours", 2800.0, (), "taken_over"),
        (HELD, "ours", 1500.0, ("theirs",), "taken_over"),
        (HELD, "ours", 800.0, (), "held"),
        # The clock was set back: whether the other run lives is not known, and waiting harms nobody.
        (HELD, "ours", 600.0, (), "held"),
    ],
)
def test_decide(found: Lease, run: str, now: float, dead: Tuple[str, ...], outcome: str) -> None:
    assert decide(found, run, now, dead).outcome == outcome


def test_who_has_it_and_for_how_long_is_said() -> None:
    assert decide(HELD, "ours", 1500.0).reason == (
        "run theirs of ops on control1 has it for another 1300 s unless it renews it"
    )


def test_one_run_has_it_until_it_gives_it_back(tmp_path: Path, lock: Run) -> None:
    path = str(tmp_path / "closewait" / "run.lock")
    assert lock(path=path, run="one", who="a on b")["outcome"] == "taken"
    assert lock(path=path, run="one", who="a on b")["outcome"] == "renewed"
    held = lock(path=path, run="two")
    assert (held["failed"], held["outcome"]) == (True, "held")
    assert "run one of a on b" in held["msg"]
    assert "closewait_lock_take_over=true" in held["msg"]
    assert lock(path=path, run="two", state="absent")["outcome"] == "not_ours"
    assert lock(path=path, run="one", state="absent")["outcome"] == "given_back"
    assert lock(path=path, run="one", state="absent")["outcome"] == "not_ours"
    assert lock(path=path, run="two")["outcome"] == "taken"
    assert lock(path=path, run="three", take_over=True)["outcome"] == "taken_over"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


def test_a_lease_that_has_run_out_is_free(tmp_path: Path, lock: Run) -> None:
    path = str(tmp_path / "run.lock")
    lock(path=path, run="one", lease=0)
    assert lock(path=path, run="two")["outcome"] == "taken_over"


def test_nothing_becomes_of_it_in_check_mode(tmp_path: Path, lock: Run) -> None:
    path = tmp_path / "closewait" / "run.lock"
    assert lock(path=str(path), run="one", check=True)["outcome"] == "taken"
    assert not path.parent.exists()
    lock(path=str(path), run="one")
    assert lock(path=str(path), run="one", state="absent", check=True)["outcome"] == "given_back"
    assert lock(path=str(path), run="two", check=True)["failed"]


@pytest.mark.parametrize("content", ["{", "[]", '{"run": "x"}', "3"])
def test_what_is_no_lease_is_left_for_people(tmp_path: Path, lock: Run, content: str) -> None:
    path = tmp_path / "run.lock"
    path.write_text(content)
    result = lock(path=str(path), run="one")
    assert result["failed"]
    assert "look at it, then remove it" in result["msg"]
    assert path.read_text() == content


def test_a_link_is_not_followed(tmp_path: Path, lock: Run) -> None:
    (tmp_path / "precious").write_text("")
    (tmp_path / "run.lock").symlink_to("precious")
    assert lock(path=str(tmp_path / "run.lock"), run="one")["failed"]
    assert (tmp_path / "precious").read_text() == ""


def test_what_is_no_file_of_ours_is_not_used(tmp_path: Path, lock: Run) -> None:
    os.mkfifo(str(tmp_path / "fifo"))
    assert "not a file of the user" in lock(path=str(tmp_path / "fifo"), run="one")["msg"]
    if os.geteuid() == 0:
        (tmp_path / "theirs").write_text("")
        os.chown(str(tmp_path / "theirs"), 65534, 65534)
        assert "not a file of the user" in lock(path=str(tmp_path / "theirs"), run="one")["msg"]


TAKE = """\
import sys, time
from ansible_collections.closewait.remediation.plugins.module_utils import _run_lock
from ansible_collections.closewait.remediation.plugins.module_utils._run_lock import Lease, decide
with _run_lock.opened(sys.argv[1]) as lock:
    decision = decide(_run_lock.read(lock), sys.argv[2], time.time())
    if decision.outcome != "held":
        time.sleep(0.05)
        _run_lock.write(lock, Lease(sys.argv[2], "x", time.time(), time.time() + 60))
print(decision.outcome)
"""


def test_of_many_at_once_one_has_it(tmp_path: Path) -> None:
    path = str(tmp_path / "run.lock")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    racers = [
        subprocess.Popen([sys.executable, "-c", TAKE, path, str(number)], stdout=subprocess.PIPE, env=environment)
        for number in range(6)
    ]
    outcomes = sorted(racer.communicate(timeout=60)[0].decode().strip() for racer in racers)
    assert outcomes == ["held"] * 5 + ["taken"]


def test_a_shorter_lease_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    path = str(tmp_path / "run.lock")
    with _run_lock.opened(path) as lock:
        _run_lock.write(lock, HELD._replace(who="x" * 300))
        _run_lock.write(lock, HELD)
        assert _run_lock.read(lock) == HELD
    assert _run_lock.peek(path) == HELD
