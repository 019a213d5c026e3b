# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining real processes, with a supervisord that answers from a script: states a real one is in for a moment only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._restart import act as restart_act
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisorctl import (
    Access,
    Supervisorctl,
)

_PROGRAM = "shop:worker"


class Scripted:
    """A client program that prints the next of its answers each time, the last one for ever, and keeps its orders."""

    def __init__(self, folder: Path, answers: list[str]) -> None:
        self._folder = folder
        for number, answer in enumerate(answers):
            (folder / ("answer-%02d" % number)).write_text(answer + "\n")
        self._client = folder / "supervisorctl"
        self._client.write_text(
            '#!/bin/sh\ncd "%s" || exit\necho "$3 $4 $5" >> orders\n'
            'set -- answer-*\ncat "$1"\n[ $# -gt 1 ] && rm "$1"\nexit 0\n' % folder
        )
        self._client.chmod(0o700)

    def control(self) -> Supervisorctl:
        """The client as the module uses it."""
        return Supervisorctl(Access(str(self._client), "/any.conf", None, None))

    def orders(self) -> list[str]:
        """What it was asked, in order."""
        return [line.strip() for line in (self._folder / "orders").read_text().splitlines()]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as started:
        yield started
        started.kill()


def _identity(pid: int) -> Identity:
    stat = _procfs.stat(pid)
    assert stat is not None
    return Identity(pid, stat.start_time)


def test_a_zombie_and_a_successor_with_the_same_number_are_not_alive(process: subprocess.Popen[bytes]) -> None:
    identity = _identity(process.pid)
    assert restart_act.alive(identity)
    assert not restart_act.alive(identity._replace(start_time=identity.start_time - 1))
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not restart_act.alive(identity)


def test_the_process_above_a_child_is_named_only_while_the_child_lives(process: subprocess.Popen[bytes]) -> None:
    child, main = _identity(process.pid), _identity(os.getpid())
    assert restart_act.main_process(child.pid, child) == child
    assert restart_act.main_process(main.pid, child) == main
    assert restart_act.main_process(main.pid, child._replace(start_time=child.start_time - 1)) is None


def test_draining_ends_with_the_process(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    supervisord = Scripted(tmp_path, ["worker: signalled"])
    process.send_signal(signal.SIGTERM)
    assert restart_act.drain(supervisord.control(), _PROGRAM, _identity(process.pid), "USR1", 10)
    assert supervisord.orders() == ["signal USR1 shop:worker"]


def test_patience_ends_and_nothing_is_killed(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    supervisord = Scripted(tmp_path, ["worker: signalled"])
    identity = _identity(process.pid)
    assert not restart_act.drain(supervisord.control(), _PROGRAM, identity, "TERM", 0.3)
    assert restart_act.alive(identity)
    assert supervisord.orders() == ["signal TERM shop:worker"]


def test_what_has_ended_meanwhile_is_not_killed(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    supervisord = Scripted(tmp_path, ["worker: signalled"])
    assert restart_act.kill(supervisord.control(), _PROGRAM, Identity(process.pid, 1))
    assert not (tmp_path / "orders").exists()


def test_another_process_is_not_killed(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    supervisord = Scripted(tmp_path, ["worker RUNNING   pid 1, uptime 0:00:09", "worker: signalled"])
    assert not restart_act.kill(supervisord.control(), _PROGRAM, _identity(process.pid))
    assert supervisord.orders() == ["status shop:worker"]


def test_a_process_that_does_not_die_is_not_reported_as_ended(
    tmp_path: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restart_act, "_DIES_S", 0.3)
    supervisord = Scripted(tmp_path, ["worker RUNNING   pid %d, uptime 0:00:09" % process.pid, "worker: signalled"])
    assert not restart_act.kill(supervisord.control(), _PROGRAM, _identity(process.pid))
    assert supervisord.orders() == ["status shop:worker", "signal KILL shop:worker"]


def test_the_old_process_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    new = _identity(os.getpid())
    old = Identity(1, _identity(1).start_time)
    answers = ["worker RUNNING   pid 1, uptime 0:00:09", "worker STARTING  ", "worker RUNNING   pid %d, uptime 0:00:01"]
    supervisord = Scripted(tmp_path, [*answers[:2], answers[2] % new.pid])
    assert restart_act.come_back(supervisord.control(), _PROGRAM, old) == new
    assert supervisord.orders() == ["status shop:worker"] * 3


def test_what_has_exited_is_started(tmp_path: Path) -> None:
    new = _identity(os.getpid())
    running = "worker RUNNING   pid %d, uptime 0:00:01" % new.pid
    supervisord = Scripted(tmp_path, ["worker EXITED    Nov 20 03:48 PM", "worker: started", running])
    assert restart_act.come_back(supervisord.control(), _PROGRAM, Identity(1, 0)) == new
    assert supervisord.orders() == ["status shop:worker", "start shop:worker", "status shop:worker"]


def test_a_start_that_takes_long_is_waited_for(tmp_path: Path) -> None:
    new = _identity(os.getpid())
    answers = ["worker EXITED    Nov 20 03:48 PM", "no answer yet", "worker STARTING  ", "worker STARTING  "]
    supervisord = Scripted(tmp_path, [*answers, "worker RUNNING   pid %d, uptime 0:01:40" % new.pid])
    assert restart_act.come_back(supervisord.control(), _PROGRAM, Identity(1, 0)) == new


@pytest.mark.parametrize("state", ["STOPPED   Nov 20 03:48 PM", "FATAL     Exited too quickly", "STOPPING  "])
def test_what_somebody_stopped_or_what_fails_is_not_started(tmp_path: Path, state: str) -> None:
    supervisord = Scripted(tmp_path, ["worker %s" % state])
    with pytest.raises(restart_act.NotBackError, match=state.split(maxsplit=1)[0]):
        restart_act.come_back(supervisord.control(), _PROGRAM, Identity(1, 0))
    assert supervisord.orders() == ["status shop:worker"]


def test_a_start_that_fails_is_an_error(tmp_path: Path) -> None:
    answers = ["worker EXITED    Nov 20 03:48 PM", "worker: ERROR (spawn error)", "worker FATAL     no such program"]
    with pytest.raises(restart_act.NotBackError, match="spawn error"):
        restart_act.come_back(Scripted(tmp_path, answers).control(), _PROGRAM, Identity(1, 0))


def test_supervisord_must_mean_the_very_process(tmp_path: Path) -> None:
    process = _identity(os.getpid())
    answers = ["worker RUNNING   pid %d, uptime 0:00:09" % pid for pid in (process.pid, 1)]
    control = Scripted(tmp_path, answers).control()
    assert restart_act.still_the_one(control, _PROGRAM, process)
    assert not restart_act.still_the_one(control, _PROGRAM, process)
