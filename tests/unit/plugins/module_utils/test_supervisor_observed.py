# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a supervisord is seen to do: its log, its workers' logs, what it left behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Optional

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _file_tail, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._celery import task_times
from ansible_collections.closewait.remediation.plugins.module_utils._restart.act import Identity
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import history, orphans

#: Supervisor 4.3.0, and a line of 3.4.0.
LOG = """\
2026-02-03 04:05:06,700 INFO spawned: 'kiln' with pid 411
2026-02-03 04:06:40,101 INFO waiting for kiln to stop
2026-02-03 04:06:50,204 WARN killing 'kiln' (411) with SIGKILL
2026-02-03 04:06:50,219 INFO stopped: kiln (terminated by SIGKILL)
2026-02-03 04:07:50,204 WARN killing 'kiln two' (417) with SIGKILL
a program that prints killing 'x' (1) with SIGKILL
"""
#: Celery 5.6.2 and 3.1.24.
WORKER_LOG = """\
[2026-02-03 04:05:09,001: INFO/MainProcess] Task shop.bake[1d0a8b5e-6b0f-4a3e-9b43-1f0e0f6a7c11] received
[2026-02-03 04:05:50,220: INFO/Fork-1] Task bake[1d0a8b5e-6b0f-4a3e-9b43-1f0e0f6a7c11] succeeded in 41.2189006s: None
[2026-02-03 04:05:51,300: INFO/Fork-1] Task glaze[2d0a8b5e-6b0f-4a3e-9b43-1f0e0f6a7c11] succeeded in 8.7e-05s: 'in 99s'
[2026-02-03 04:05:52,300: INFO/MainProcess] Task shop.fire[3d0a8b5e-6b0f-4a3e-9b43-1f0e0f6a7c11] succeeded in 3s: None
[2026-02-03 04:05:53,300: WARNING/Fork-1] a task printed: Task x succeeded in 500s
"""


def test_kills() -> None:
    first, second = history.kills(LOG)
    assert (first.process, first.pid, second.process) == ("kiln", 411, "kiln two")
    assert round((second.at or 0) - (first.at or 0), 3) == 60.0
    assert round((first.at or 0) % 1, 3) == 0.204


def test_a_time_that_never_was() -> None:
    [kill] = history.kills("2026-13-45 99:99:99,000 WARN killing 'x' (1) with SIGKILL\n")
    assert kill.at is None


def test_task_times() -> None:
    assert task_times.of(WORKER_LOG) == task_times.TaskTimes(3, 41.2189006)
    assert task_times.of("nothing") == task_times.TaskTimes(0, None)


def test_the_end_of_a_file_begins_with_a_whole_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first line\nsecond \xff line\nthird\n")
    assert _file_tail.read(str(log), 1000).startswith("first line\nsecond \ufffd")
    assert _file_tail.read(str(log), 10) == "third\n"
    assert _file_tail.read(str(log), 3) == ""


def test_what_would_make_a_reader_wait_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="no regular file"):
        _file_tail.read(str(tmp_path / "fifo"), 10)
    with pytest.raises(OSError, match="no regular file"):
        _file_tail.read(str(tmp_path), 10)


class Machine:
    """A tree like /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, pid: int, ppid: int, start: int, argv: str, program: Optional[str] = None, state: str = "S") -> None:
        folder = self.root / str(pid)
        folder.mkdir()
        fields = [state, str(ppid), *["0"] * 17, str(start)]
        (folder / "stat").write_text("%d (x) %s\n" % (pid, " ".join(fields)))
        (folder / "cmdline").write_text(argv.replace(" ", "\0") + "\0")
        (folder / "status").write_text("Uid:\t0 0 0 0\nGid:\t0 0 0 0\n")
        environ = "PATH=/bin\0" + (
            "SUPERVISOR_GROUP_NAME=kilns\0SUPERVISOR_PROCESS_NAME=%s\0" % program if program else ""
        )
        (folder / "environ").write_text(environ)


@pytest.fixture(name="machine")
def a_machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.add(1, 0, 1, "/sbin/init", "kiln")
    machine.add(70, 1, 100, "/usr/bin/python3 /usr/bin/supervisord -n")
    machine.add(80, 70, 9000, "celery -A shop worker", "kiln")
    machine.add(81, 80, 9010, "celery -A shop worker", "kiln")
    return machine


CURRENT: Dict[str, Identity] = {"kilns:kiln": Identity(80, 9000)}


def found(machine: Machine, current: Dict[str, Identity]) -> Dict[int, Optional[int]]:
    result = orphans.find(current, str(machine.root))
    assert result.denied == 0
    return {item.stat.pid: item.current.pid if item.current else None for item in result.orphans}


def test_what_an_earlier_run_left_is_found_and_its_children_too(machine: Machine) -> None:
    machine.add(60, 1, 500, "celery -A shop worker", "kiln")
    machine.add(61, 60, 600, "sleep 5", "kiln")
    machine.add(62, 1, 500, "sleep 5")
    machine.add(63, 1, 500, "dead", "kiln", state="Z")
    assert found(machine, CURRENT) == {60: 80, 61: 80}


def test_a_daemon_that_the_running_program_started_is_none(machine: Machine) -> None:
    machine.add(90, 1, 9500, "nginx", "kiln")
    assert found(machine, CURRENT) == {}


def test_what_supervisord_does_not_run_now_has_left_it_behind(machine: Machine) -> None:
    machine.add(90, 1, 9500, "helper", "retired")
    assert found(machine, CURRENT) == {90: None}


def test_what_cannot_be_read_is_counted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(pid: int, proc: str) -> Dict[str, str]:
        raise PermissionError(pid, proc)

    monkeypatch.setattr(_procfs, "environ", denied)
    # Not the first process, which is nobody's orphan.
    assert orphans.find({}, str(machine.root)) == orphans.Found([], 3)
