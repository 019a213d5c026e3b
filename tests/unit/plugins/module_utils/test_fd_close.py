# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing fds of a real process through the real gdb, and what is said when gdb does not do it."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _fd_copy, _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import act as fd_act
from ansible_collections.closewait.remediation.plugins.module_utils._fd import closing as fd_closing
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import gdb as fd_gdb
from ansible_collections.closewait.remediation.plugins.module_utils._fd import observation as fd_observation
from ansible_collections.closewait.remediation.plugins.module_utils._fd import process as fd_process
from ansible_collections.closewait.remediation.plugins.module_utils._fd import stop as fd_stop
from ansible_collections.closewait.remediation.plugins.module_utils._fd.decision import Options, Target
from ansible_collections.closewait.remediation.plugins.module_utils._fd.order import Order
from ansible_collections.closewait.remediation.plugins.module_utils._fd.report import Report
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    REFUSING,
    Victim,
    half_closed,
    inode,
    needs_gdb,
    needs_root,
    script,
    victim,
    wait_until,
)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines are refused altogether")
OPTIONS = Options("auto", allow_unread=False, force_unwatched=False, force_runtime=False, min_age=0.0, force_close=True)


def _target(program: Victim, **changes: Any) -> Target:
    stat = _procfs.stat(program.process.pid)
    assert stat is not None
    return Target(program.process.pid, stat.start_time, program.fd, program.inode, None, ghost=False)._replace(
        **changes
    )


def _order(folder: Path, gdb: str = "", **changes: Any) -> Order:
    gdb = gdb or str(shutil.which("gdb"))
    return Order(OPTIONS._replace(**changes), gdb, str(folder), max_stop_ms=100.0, timeout=20.0)


def _run(order: Order, *targets: Target) -> Report:
    with fd_observation.Observer(targets) as observer:
        return fd_closing.run(observer, targets, order)


def _is_well(program: Victim) -> None:
    """The victim runs, answers from its loop, and has its number as it was."""
    states = [(_procfs.stat(int(tid)) or _procfs.Stat(0, "", "?", 0, 0)).state for tid in _tids(program)]
    assert not set(states) & set("tTZX?")
    answer = program.ask()
    assert answer["healthy"] == "hello"
    assert os.readlink("/proc/%d/fd/%d" % (program.process.pid, program.fd)) == "socket:[%d]" % program.inode


def _tids(program: Victim) -> List[str]:
    return os.listdir("/proc/%d/task" % program.process.pid)


def test_a_prediction_stops_nothing_and_needs_no_gdb(tmp_path: Path) -> None:
    with victim() as program:
        targets = [_target(program), _target(program, fd=0), _target(program, start_time=1)]
        with fd_observation.Observer(targets) as observer:
            report = fd_closing.predict(observer, targets, _order(tmp_path, "/nonexistent"))
        assert [(row["outcome"], row["method"]) for row in report.results] == [
            ("would_replace", "placeholder"),
            ("changed", None),
            ("changed", None),
        ]
        assert report.stops == []
        assert set(report.results[0]) >= {"pid", "start_time", "fd", "inode", "reason", "alternative", "stop_ms"}
        _is_well(program)


def test_this_very_process_is_refused_whatever_is_forced(tmp_path: Path) -> None:
    with half_closed() as sock:
        stat = _procfs.stat(os.getpid())
        assert stat is not None
        target = Target(os.getpid(), stat.start_time, sock.fileno(), inode(sock), None, ghost=False)
        order = _order(tmp_path, "/nonexistent", force_unwatched=True, force_runtime=True, allow_unread=True)
        [row] = _run(order, target).results
        assert row["outcome"] == "refused"
        assert "ancestors" in row["reason"]


@needs_gdb
@needs_root
def test_close(tmp_path: Path) -> None:
    with victim() as program:
        assert program.ask()["use"] == "EOF"
        report = _run(_order(tmp_path, method="close"), _target(program))
        [row] = report.results
        assert (row["outcome"], row["method"], row["unregistered_from"]) == ("closed", "close", [program.epoll])
        assert 0 < row["stop_ms"] <= report.stops[-1]["stop_ms"]
        assert {stop["pid"] for stop in report.stops} == {program.process.pid}
        program.ask()
        answer = program.ask()
        assert answer == {"ready": 0, "healthy": "hello", "use": "Bad file descriptor"}
        [row] = _run(_order(tmp_path, method="close"), _target(program)).results
        assert row["outcome"] == "gone"


@needs_gdb
@needs_root
def test_placeholder(tmp_path: Path) -> None:
    with victim() as program:
        flags = _procfs.fd_flags(program.process.pid, program.fd)
        fds = set(os.listdir("/proc/%d/fd" % program.process.pid))
        [row] = _run(_order(tmp_path), _target(program)).results
        assert (row["outcome"], row["method"], row["unregistered_from"]) == ("replaced", "placeholder", [program.epoll])
        program.ask()
        answer = program.ask()
        assert answer == {"ready": 0, "healthy": "hello", "use": "EOF"}  # a read finds what it found before
        assert _procfs.fd_flags(program.process.pid, program.fd) == flags
        assert set(os.listdir("/proc/%d/fd" % program.process.pid)) == fds, "the spare was left behind"
        [row] = _run(_order(tmp_path), _target(program)).results
        assert row["outcome"] == "changed"


@needs_gdb
@needs_root
def test_every_target_gets_one_result_and_processes_do_not_depend_on_each_other(tmp_path: Path) -> None:
    with victim() as first, victim() as second, victim() as third:
        third.process.kill()
        wait_until(lambda: (_procfs.stat(third.process.pid) or _procfs.Stat(0, "", "Z", 0, 0)).state == "Z")
        targets = [
            _target(first),
            _target(first, fd=first.epoll),
            _target(second),
            _target(second, fd=7777),
            Target(third.process.pid, 1, third.fd, third.inode, None, ghost=False),
        ]
        report = _run(_order(tmp_path, method="close"), *targets)
        found = {(row["pid"], row["fd"]): row["outcome"] for row in report.results}
        assert len(report.results) == len(targets)
        assert found == {
            (first.process.pid, first.fd): "closed",
            (first.process.pid, first.epoll): "changed",
            (second.process.pid, second.fd): "closed",
            (second.process.pid, 7777): "gone",
            (third.process.pid, third.fd): "gone",
        }
        for program in (first, second):
            assert program.ask()["healthy"] == "hello"


GDBS: Dict[str, str] = {
    "missing": "",
    "sleeps": "exec sleep 600",
    "babbles": "exec yes x",
    "refuses": REFUSING,
}


@pytest.mark.parametrize(("name", "method"), [*((name, "close") for name in sorted(GDBS)), ("sleeps", "placeholder")])
def test_a_gdb_that_does_not_do_it(tmp_path: Path, name: str, method: str) -> None:
    gdb = script(tmp_path, GDBS[name]) if GDBS[name] else str(tmp_path / "gdb")
    with victim() as program:
        start = time.monotonic()
        report = _run(_order(tmp_path, gdb, method=method)._replace(timeout=0.3), _target(program))
        assert time.monotonic() - start < 60.0
        [row] = report.results
        assert (row["outcome"], row["unregistered_from"], row["stop_ms"]) == ("refused", [], None)
        assert row["reason"]
        assert row["alternative"] == fd_decision.RESTART
        assert report.stops == []
        _is_well(program)


#: The real gdb with a Python hook that goes wrong at the Nth stop of the target.
#: Counts the stops of any process but the first, which is the one that it is rehearsed with.
HOOKED = """exec %s -iex 'python
stops = []
first = []
def on_stop(event):
    import os, time
    pid = gdb.selected_inferior().pid
    first.append(pid)
    if pid != first[0]:
        stops.append(1)
    if pid != first[0] and len(stops) == %d:
        %s
gdb.events.stop.connect(on_stop)' "$@"
"""


@needs_gdb
@needs_root
@pytest.mark.parametrize(("at", "method"), [(2, "close"), (4, "close"), (5, "placeholder")])
def test_the_real_gdb_hangs_at_any_moment_and_the_process_lives(tmp_path: Path, at: int, method: str) -> None:
    gdb = script(tmp_path, HOOKED % (shutil.which("gdb"), at, "time.sleep(600)"))
    with victim() as program:
        report = _run(_order(tmp_path, gdb, method=method)._replace(timeout=0.5), _target(program))
        [row] = report.results
        now = _link(program)
        assert row["outcome"] in ("closed", "replaced", "unwatched", "refused"), row
        # What is said is what is.
        assert (now != "socket:[%d]" % program.inode) is (row["outcome"] in ("closed", "replaced"))
        assert bool(row["unregistered_from"]) is not _is_registered(program)
        states = [(_procfs.stat(int(tid)) or _procfs.Stat(0, "", "?", 0, 0)).state for tid in _tids(program)]
        assert not set(states) & set("tTZX?")
        for _turn in range(3):
            assert program.ask()["healthy"] == "hello"


def _link(program: Victim) -> str:
    with contextlib.suppress(FileNotFoundError):
        return os.readlink("/proc/%d/fd/%d" % (program.process.pid, program.fd))
    return ""


def _is_registered(program: Victim) -> bool:
    return "ino:%x " % program.inode in _procfs.fdinfo(program.process.pid, program.epoll)


@needs_gdb
@needs_root
def test_gdb_dies_when_it_has_attached(tmp_path: Path) -> None:
    gdb = script(tmp_path, HOOKED % (shutil.which("gdb"), 1, "os._exit(1)"))
    with victim() as program:
        [row] = _run(_order(tmp_path, gdb, method="close"), _target(program)).results
        assert row["outcome"] == "refused"
        _is_well(program)


@needs_gdb
@needs_root
@pytest.mark.parametrize("at", [1, 2, 3])
def test_somebody_else_kills_gdb_in_a_stop(tmp_path: Path, at: int) -> None:
    """With our registers in the process, and after a step, whose SIGTRAP the kernel then leaves to the process."""
    gdb = script(tmp_path, HOOKED % (shutil.which("gdb"), at, "os.kill(os.getpid(), 9)"))
    with _detached_victim() as program:
        report = _run(_order(tmp_path, gdb), _target(program))
        [row] = report.results
        assert row["outcome"] in ("replaced", "refused"), row
        assert (_link(program) != "socket:[%d]" % program.inode) is (row["outcome"] == "replaced")
        for _turn in range(3):
            assert program.ask()["healthy"] == "hello"
        states = [(_procfs.stat(int(tid)) or _procfs.Stat(0, "", "?", 0, 0)).state for tid in _tids(program)]
        assert not set(states) & set("tTZX?")


@needs_gdb
@needs_root
@pytest.mark.parametrize(("at", "then"), [(1, "time.sleep(600)"), (3, "time.sleep(600)"), (3, "time.sleep(0.3)")])
def test_we_are_killed_in_a_stop(tmp_path: Path, at: int, then: str) -> None:
    """By SIGKILL, as the kernel does when memory is short, while gdb hangs, and while it would go on."""
    marker = tmp_path / "there"
    gdb = script(tmp_path, HOOKED % (shutil.which("gdb"), at, 'open("%s", "w").close(); %s' % (marker, then)))
    with _detached_victim() as program:
        ours = os.fork()
        if not ours:
            with contextlib.suppress(BaseException):
                _run(_order(tmp_path, gdb)._replace(timeout=60.0), _target(program))
            os._exit(0)
        wait_until(marker.exists)
        os.kill(ours, 9)
        os.waitpid(ours, 0)
        wait_until(lambda: not _stands_still(program))
        for _turn in range(3):
            assert program.ask()["healthy"] == "hello"
        assert not _stands_still(program)


def _stands_still(program: Victim) -> bool:
    stat = _procfs.stat(program.process.pid)
    return stat is not None and stat.state in "tT"


@contextlib.contextmanager
def _detached_victim() -> Iterator[Victim]:
    """Not a job of the terminal from which the tests may have been started: such a one is not held."""
    with victim() as program:
        if not fd_process.may_be_held(program.process.pid):
            pytest.skip("run without a terminal: a program that belongs to one is not held")
        yield program


@needs_gdb
@needs_root
def test_a_program_that_became_another_one_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with victim() as program:
        earlier = iter([fd_process.Image((1, 2), ["1", "2", "3"])])
        image = fd_process.image
        monkeypatch.setattr(fd_process, "image", lambda pid: next(earlier, None) or image(pid))
        [row] = _run(_order(tmp_path), _target(program)).results
        assert (row["outcome"], row["reason"]) == ("changed", "the process runs another program by now (execve)")
        _is_well(program)


@needs_gdb
@needs_root
def test_gdb_is_gone_afterwards(tmp_path: Path) -> None:
    started: List[int] = []
    init = fd_gdb.Session.__init__

    def remember(self: fd_gdb.Session, gdb: str, folder: str, timeout: float) -> None:
        init(self, gdb, folder, timeout)
        started.append(self._process.pid)

    with victim() as program, pytest.MonkeyPatch.context() as patch:
        patch.setattr(fd_gdb.Session, "__init__", remember)
        _run(_order(tmp_path), _target(program))
    assert len(started) == 1
    assert _procfs.stat(started[0]) is None


@needs_gdb
@needs_root
@pytest.mark.parametrize("at", [2, 3, 4])
def test_no_socket_of_ours_stays_behind_when_gdb_is_killed(tmp_path: Path, at: int) -> None:
    """At the entry and the return of socket(), and at the entry of dup3()."""
    with _detached_victim() as program:
        _no_socket_stays_behind(tmp_path, program, at)


@needs_gdb
@needs_root
def test_no_socket_of_ours_stays_behind_where_the_program_waits_for_a_cpu(tmp_path: Path) -> None:
    """Gdb is killed when socket() has begun, and the program gets to make it a good while later."""
    with _detached_victim() as program, _starved(program.process.pid):
        _no_socket_stays_behind(tmp_path, program, 2)


def _no_socket_stays_behind(tmp_path: Path, program: Victim, at: int) -> None:
    once = 'os.path.exists("%s/once") or (open("%s/once", "w").close(), os.kill(os.getpid(), 9))' % (tmp_path, tmp_path)
    gdb = script(tmp_path, HOOKED % (shutil.which("gdb"), at, once))
    before = set(os.listdir("/proc/%d/fd" % program.process.pid))
    [row] = _run(_order(tmp_path, gdb), _target(program)).results
    assert (tmp_path / "once").exists()
    assert row["outcome"] in ("replaced", "refused"), row
    assert set(os.listdir("/proc/%d/fd" % program.process.pid)) == before
    assert program.ask()["healthy"] == "hello"


@needs_gdb
@needs_root
def test_a_gdb_that_lives_holds_the_program_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to be waited for then, and it is known that no socket of ours is there."""

    def refused(*_arguments: object) -> None:
        raise fd_gdb.GdbError("no")

    monkeypatch.setattr(fd_act, "open_spare", refused)
    monkeypatch.setattr(fd_stop, "_COMES_TO_REST_S", 0.0)
    with _detached_victim() as program:
        [row] = _run(_order(tmp_path, method="placeholder"), _target(program)).results
        assert (row["outcome"], row["reason"]) == ("refused", "no")
        assert program.ask()["healthy"] == "hello"


@contextlib.contextmanager
def _starved(pid: int) -> Iterator[None]:
    """The process gets only what another one leaves of one CPU (sched(7), SCHED_IDLE)."""
    cpu = {min(os.sched_getaffinity(0))}
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as spinner:
        try:
            for one in (pid, spinner.pid):
                os.sched_setaffinity(one, cpu)
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
            yield
        finally:
            spinner.kill()


@needs_gdb
@needs_root
def test_what_the_program_has_closed_itself_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gdb fails before anything was begun; that the socket is gone by then proves nothing about us."""
    with victim() as program:

        def too_late(_self: fd_gdb.Session, *_arguments: object) -> None:
            program.close()
            raise fd_gdb.GdbError("gdb has ended")

        monkeypatch.setattr(fd_gdb.Session, "__init__", too_late)
        [row] = _run(_order(tmp_path), _target(program)).results
        assert _link(program) != "socket:[%d]" % program.inode
        assert (row["outcome"], row["method"]) == ("changed", None), row
        assert "not by us: gdb has ended" in row["reason"]


@needs_gdb
@needs_root
@pytest.mark.parametrize("method", ["close", "placeholder"])
def test_on_kernels_without_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Before Linux 5.6: looked up in the listings, and the registration removed in a stop of its own."""
    monkeypatch.setattr(_fd_copy, "source", lambda _pid: None)
    with victim() as program:
        report = _run(_order(tmp_path, method=method, allow_unread=True), _target(program))
        [row] = report.results
        assert (row["outcome"], row["unregistered_from"]) == (
            {"close": "closed", "placeholder": "replaced"}[method],
            [program.epoll],
        )
        assert len(report.stops) >= 2
        program.ask()
        answer = program.ask()
        assert (answer["ready"], answer["use"]) == (0, {"close": "Bad file descriptor", "placeholder": "EOF"}[method])


@needs_gdb
@needs_root
def test_what_is_left_alone_after_all_is_watched_again(tmp_path: Path) -> None:
    refusing = script(tmp_path, GDBS["refuses"])
    with victim() as program:
        [row] = _run(_order(tmp_path, refusing), _target(program)).results
        assert (row["outcome"], row["unregistered_from"]) == ("refused", [])
        assert _is_registered(program)
        program.ask()
        assert program.ask()["ready"] > 0
