# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fd_close writes down before and after, and that nothing is touched when it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _journal, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import closing as fd_closing
from ansible_collections.closewait.remediation.plugins.module_utils._fd import journal as fd_journal
from ansible_collections.closewait.remediation.plugins.module_utils._fd import observation as fd_observation
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Options, Target
from ansible_collections.closewait.remediation.plugins.module_utils._fd.order import Order
from ansible_collections.closewait.remediation.plugins.module_utils._fd.report import Report
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    Victim,
    needs_gdb,
    needs_root,
    script,
    victim,
    wait_until,
)

pytestmark = [
    needs_gdb,
    needs_root,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines are refused altogether"),
]
OPTIONS = Options("auto", allow_unread=False, force_unwatched=False, force_runtime=False, min_age=0.0)


def _target(program: Victim) -> Target:
    stat = _procfs.stat(program.process.pid)
    assert stat is not None
    return Target(program.process.pid, stat.start_time, program.fd, program.inode, None, ghost=False, peer="a:1")


def _run(folder: Path, program: Victim, gdb: str = "", **changes: Any) -> Report:
    order = Order(OPTIONS._replace(**changes), gdb or str(shutil.which("gdb")), str(folder), 100.0, 20.0)
    logbook = fd_journal.Logbook(_journal.Journal(str(folder / "log" / "x.jsonl")))
    targets = [_target(program)]
    with fd_observation.Observer(targets) as observer:
        return fd_closing.run(observer, targets, order, logbook)


def _lines(folder: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log" / "x.jsonl").read_text().splitlines()]


def test_before_and_after(tmp_path: Path) -> None:
    with victim() as program:
        report = _run(tmp_path, program)
        intent, outcome = _lines(tmp_path)
        assert (intent["phase"], outcome["phase"]) == ("intent", "outcome")
        assert {**outcome, "phase": "intent", "time": intent["time"]}.items() >= intent.items()
        assert (intent["fd"], intent["inode"], intent["peer"]) == (program.fd, program.inode, "a:1")
        assert intent["process"]["pid"] == program.process.pid
        assert intent["process"]["name"].startswith("python")
        assert intent["process"]["start_time"] == _target(program).start_time
        assert intent["evidence"]["state"] == "CLOSE_WAIT"
        assert intent["evidence"]["registered_in"] == [program.epoll]
        assert intent["host"] == platform.node()
        assert intent["by"]["user"] == "root"
        assert outcome["outcome"] == "replaced"
        assert outcome["stops_ms"]["count"] == len(report.stops)
        assert outcome["stops_ms"]["longest"] == max(stop["stop_ms"] for stop in report.stops)
        assert outcome["unregistered_from"] == [program.epoll]


def test_nothing_is_touched_when_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    with victim() as program:
        with pytest.raises(_journal.JournalError, match="cannot be written"):
            _run(tmp_path, program)
        program.ask()
        assert program.ask()["ready"] > 0


def test_no_line_for_what_is_not_touched(tmp_path: Path) -> None:
    with victim() as program:
        report = _run(tmp_path, program, min_age=3600.0)
        assert [row["outcome"] for row in report.results] == ["refused"]
        assert not (tmp_path / "log" / "x.jsonl").exists() or _lines(tmp_path) == []


def test_the_outcome_cannot_be_written(tmp_path: Path) -> None:
    """The journal's place is taken away in the middle: what was done is reported, with a warning."""
    gdb = script(tmp_path, 'mv %s/log %s/away; touch %s/log\nexec gdb "$@"' % (tmp_path, tmp_path, tmp_path))
    with victim() as program:
        report = _run(tmp_path, program, gdb)
        assert [row["outcome"] for row in report.results] == ["replaced"]
        [warning] = report.warnings
        assert "could not be written down" in warning


def test_a_run_that_is_killed_leaves_its_intent(tmp_path: Path) -> None:
    there = tmp_path / "there"
    gdb = script(tmp_path, "echo $$ > %s; exec sleep 600" % there)
    with victim() as program:
        ours = os.fork()
        if not ours:
            with contextlib.suppress(BaseException):
                _run(tmp_path, program, gdb)
            os._exit(0)
        wait_until(lambda: there.exists() and there.read_text())
        for pid in (ours, int(there.read_text())):
            os.kill(pid, 9)
        os.waitpid(ours, 0)
        [line] = _lines(tmp_path)
        assert (line["phase"], line["fd"]) == ("intent", program.fd)
        assert "outcome" not in line
        program.ask()
        assert program.ask()["healthy"] == "hello"


def test_who_it_was(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "loginuid").write_text("0")
    given = {"SUDO_USER": "anna", "SSH_CONNECTION": "192.0.2.7 5000 192.0.2.8 22"}
    found = fd_journal.who(given, str(tmp_path))
    assert found == {"user": "root", "sudo_user": "anna", "login": "root", "from": "192.0.2.7"}
    (tmp_path / "self" / "loginuid").write_text("4294967295")
    assert fd_journal.who({}, str(tmp_path)) == {"user": "root", "sudo_user": None, "login": None, "from": None}
    (tmp_path / "self" / "loginuid").write_text("4294000001")
    assert fd_journal.who({}, str(tmp_path))["login"] == "4294000001"
