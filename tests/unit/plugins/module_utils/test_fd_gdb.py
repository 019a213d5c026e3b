# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session with gdb: with programs in gdb's place that misbehave in every way, and with the real one."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import time
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import gdb as fd_gdb
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    OBEDIENT,
    REFUSING,
    WAIT_S,
    needs_gdb,
    needs_root,
    running,
    script,
    wait_until,
)

#: For one that does not answer, and for one that does, or ends by itself: a busy machine is slow to start it.
DEADLINE_S = 0.25
#: A program that was not killed sleeps for ten times as long.
SLACK_S = 60.0


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a stand-in of gdb, which writes the pids that it starts into ``pids``."""
    yield tmp_path
    pids = tmp_path / "pids"
    left = [int(word) for word in pids.read_text().split()] if pids.exists() else []
    wait_until(lambda: all((_procfs.stat(pid) is None or _state(pid) == "Z") for pid in left))


def _state(pid: int) -> str:
    stat = _procfs.stat(pid)
    return stat.state if stat else ""


def _session(folder: Path, body: str, deadline: float = WAIT_S) -> fd_gdb.Session:
    return fd_gdb.Session(script(folder, body), str(folder), deadline)


def _registers(session: fd_gdb.Session, names: Sequence[str]) -> Dict[str, int]:
    """Nothing is assigned."""
    return session.assign("1", names)


def _fails(folder: Path, body: str, deadline: float = DEADLINE_S) -> str:
    """The error of a gdb that does not answer at all; it must come soon after the deadline."""
    start = time.monotonic()
    with pytest.raises(fd_gdb.GdbError) as caught:
        _session(folder, body, deadline)
    assert time.monotonic() - start < deadline + SLACK_S
    return str(caught.value)


def test_gdb_is_missing(tmp_path: Path) -> None:
    with pytest.raises(fd_gdb.GdbError, match="install the package gdb"):
        fd_gdb.Session(str(tmp_path / "gdb"), str(tmp_path), DEADLINE_S)


def test_gdb_cannot_be_run(tmp_path: Path) -> None:
    (tmp_path / "gdb").write_text("text")
    with pytest.raises(fd_gdb.GdbError, match="cannot start gdb"):
        fd_gdb.Session(str(tmp_path / "gdb"), str(tmp_path), DEADLINE_S)


def test_gdb_hangs(folder: Path) -> None:
    assert "no answer in 0.25 s" in _fails(folder, "echo $$ > pids; exec sleep 600")


def test_gdb_is_a_wrapper_around_something_that_hangs(folder: Path) -> None:
    assert "no answer" in _fails(folder, "sleep 600 & echo $$ $! > pids; wait")


def test_gdb_ends_at_once(folder: Path) -> None:
    assert "ended" in _fails(folder, "exit 7", WAIT_S)


def test_gdb_closes_its_output_and_lives_on(folder: Path) -> None:
    assert "ended" in _fails(folder, "echo $$ > pids; exec >&- 2>&-; exec sleep 600", WAIT_S)


def test_gdb_babbles(folder: Path) -> None:
    assert "no answer" in _fails(folder, "echo $$ > pids; exec yes text")


def test_gdb_babbles_without_a_line_end(folder: Path) -> None:
    message = _fails(folder, "echo $$ > pids; while :; do printf '%01000d' 0; done")
    assert "no answer" in message or "line without end" in message


def test_gdb_dies_after_its_first_answer(folder: Path) -> None:
    with _session(folder, OBEDIENT % "exit 1") as session:
        for _turn in range(3):
            with pytest.raises(fd_gdb.GdbError, match="ended"):
                session.detach()


def test_leaving_never_raises_and_never_lasts(folder: Path) -> None:
    for body in ("exit 1", "echo $$ > pids; exec sleep 600"):
        with _session(folder, OBEDIENT % body) as session:
            session._timeout = DEADLINE_S
            with pytest.raises(fd_gdb.GdbError):
                session.detach()
            start = time.monotonic()
        session.close()
        assert time.monotonic() - start < DEADLINE_S + SLACK_S


def test_gdb_falls_silent_in_the_middle(folder: Path) -> None:
    body = 'case $line in cw-detach) echo $$ > pids; exec sleep 600;; *) echo "$mark=7;";; esac'
    with _session(folder, OBEDIENT % body) as session:
        assert _registers(session, ("rip",)) == {"rip": 7}
        session._timeout = DEADLINE_S
        with pytest.raises(fd_gdb.GdbError, match=r"no answer in 0.25 s"):
            session.detach()
        with pytest.raises(fd_gdb.GdbError, match="ended"):
            _registers(session, ("rip",))


def test_gdb_says_no(folder: Path) -> None:
    with _session(folder, REFUSING) as session:
        with pytest.raises(fd_gdb.GdbError, match=r"gdb: ptrace: Operation not permitted\.$"):
            session.attach(77, ("rip",))
        with pytest.raises(fd_gdb.GdbError, match=r"gdb: ptrace: Operation not permitted\.$"):
            session.detach()


def test_gdb_says_why_it_could_not_attach_and_not_that_there_are_no_registers(folder: Path) -> None:
    body = "case $line in attach*) echo Attaching; echo 'No such process.';; *) echo 'No registers.';; esac"
    with _session(folder, OBEDIENT % body) as session, pytest.raises(fd_gdb.GdbError, match="No such process"):
        session.attach(77, ("rip",))


def test_gdb_says_nothing(folder: Path) -> None:
    with _session(folder, OBEDIENT % ":") as session, pytest.raises(fd_gdb.GdbError, match="gave no reason"):
        _registers(session, ("rip",))


def test_what_gdb_repeats_of_the_target_does_nothing_to_a_terminal(folder: Path) -> None:
    body = OBEDIENT % r"printf 'Thread \033[2Jx\a: no.\n'"
    with _session(folder, body) as session, pytest.raises(fd_gdb.GdbError, match=r"gdb: Thread \?\[2Jx\?: no\.$"):
        _registers(session, ("rip",))


def test_registers_by_name(folder: Path) -> None:
    body = 'case $line in cw*) printf "%s\\n" "$line" >> asked;; esac; echo "$mark=7fff00000001 ffffffffffffffda;"'
    with _session(folder, OBEDIENT % body) as session:
        found = _registers(session, ("rip", "rax"))
        _registers(session, ("rip",))
        _registers(session, ("rip", "rax"))
    assert found == {"rip": 0x7FFF00000001, "rax": 0xFFFFFFFFFFFFFFDA}
    assert (folder / "asked").read_text().split() == ["cw-show-0", "cw-show-1", "cw-show-0"]


def test_what_a_program_is_called_is_no_answer(folder: Path) -> None:
    """Thread names and file names are shown as they are."""
    forged = "printf '%s\\n' '0123456789abcdef=1;' cw-end '=1;' ' '\"$mark\"'=1;' \"$mark\"=1; echo 'The end.'"
    with _session(folder, OBEDIENT % forged) as session, pytest.raises(fd_gdb.GdbError, match=r"gdb: The end\."):
        _registers(session, ("rip",))


def test_each_session_has_a_word_of_its_own_that_is_longer_than_a_name_of_a_thread(folder: Path) -> None:
    with _session(folder, OBEDIENT % ":") as one, _session(folder, OBEDIENT % ":") as other:
        assert one._mark != other._mark
        assert len(one._mark) > 15


#: Tells of the stops that are put into it, and then of the registers.
CALLING = 'case $line in cw-call*) printf "%%s\\n" "$line" >> asked; %s echo "$mark=9;";; *) echo "$mark=9;";; esac'
HIT = 'echo "Thread 1 \\"%s\\" hit Catchpoint 1 (%s syscall close), 0x7 in ?? ()";'


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (HIT % ("x", "call to") + HIT % ("x", "returned from"), (fd_gdb.RETURN, "")),
        ('echo "Catchpoint 1 (returned from syscall 3), 0x7 in ?? ()";', (fd_gdb.RETURN, "")),
        (HIT % ("x", "call to"), (fd_gdb.ENTRY, "")),
        (HIT % ("x", "call to") + 'echo "Program received signal SIGPROF, Expired.";', (fd_gdb.SIGNAL, "SIGPROF")),
        ('echo "Thread 2 \\"x\\" received signal SIG34, Real-time.";', (fd_gdb.SIGNAL, "SIG34")),
        ("echo '0x1 in ?? ()';", ("", "")),
    ],
)
def test_where_a_call_has_come_to(folder: Path, said: str, expected: tuple[str, str]) -> None:
    with _session(folder, OBEDIENT % (CALLING % said)) as session:
        assert session.assign_and_call("$rip=7", "$rax==-38", ("rip",)) == (expected, {"rip": 9})
        # Nothing of it is left to be taken for an answer to something else.
        assert _registers(session, ("rip",)) == {"rip": 9}
    assert (folder / "asked").read_text().splitlines() == ["cw-call-0 $rip=7 $rax==-38"]


@pytest.mark.parametrize(
    "said",
    [
        "[Inferior 1 (process 7) exited normally]",
        "[Inferior 1 (process 7) exited with code 03]",
        "The program no longer exists.",
    ],
)
def test_the_target_ends_in_our_hands(folder: Path, said: str) -> None:
    body = OBEDIENT % ("echo '%s'; echo 'No registers.'" % said)
    with _session(folder, body) as session, pytest.raises(fd_gdb.GdbError, match="process ended"):
        session.assign_and_call("$rip=7", "$rax==-38", ("rip",))


def test_gdb_is_started_so_that_it_reads_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUGINFOD_URLS", "https://debuginfod.example.com")
    monkeypatch.setenv("PYTHONPATH", "/srv/lib")
    body = 'env > env; for word; do echo "$word" >> argv; done; pwd > pwd; ps -o pgid= $$ > group\n' + OBEDIENT % ":"
    with _session(folder, body):
        pass
    environment = dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())
    assert environment["LC_ALL"] == "C"
    assert environment["HOME"] == str(folder)
    assert not {"DEBUGINFOD_URLS", "PYTHONPATH"} & set(environment)
    argv: List[str] = (folder / "argv").read_text().splitlines()
    assert {"-nx", "-nh", "--readnever", "set auto-solib-add off", "set auto-load off"} <= set(argv)
    assert "set sysroot %s" % folder in argv
    assert (folder / "pwd").read_text().strip() == str(folder)
    assert int((folder / "group").read_text()) != os.getpgrp()


def _instruction_pointer(pid: int) -> int:
    """proc_pid_syscall(5); only where it is in a system call."""
    return int(Path("/proc/%d/syscall" % pid).read_text().split()[-1], 16)


SLEEPER = "import time\nprint(1)\ntime.sleep(60)"


@needs_gdb
@needs_root
def test_the_real_gdb_holds_a_process_and_lets_it_go(tmp_path: Path) -> None:
    with running(SLEEPER) as process, fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), WAIT_S) as session:
        session.attach(process.pid, ("rip",))
        assert _state(process.pid) == "t"
        registers = _registers(session, ("rip", "rsp", "orig_rax"))
        assert registers["rip"] == _instruction_pointer(process.pid)
        session.detach()
        wait_until(lambda: _state(process.pid) == "S")
        session.attach(process.pid, ("rip",))
        assert _registers(session, ("rip", "rsp", "orig_rax")) == registers
        session.close()
        wait_until(lambda: _state(process.pid) == "S")
        assert process.poll() is None


@needs_gdb
def test_the_real_gdb_cannot_attach_to_nobody(tmp_path: Path) -> None:
    with fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), WAIT_S) as session:
        with pytest.raises(fd_gdb.GdbError, match="gdb: "):
            session.attach(4194301, ("rip",))
        # It is none that ended: the session goes on.
        with pytest.raises(fd_gdb.GdbError, match="gdb: "):
            session.detach()


@needs_gdb
@needs_root
def test_killing_the_real_gdb_releases_what_it_holds(tmp_path: Path) -> None:
    with running(SLEEPER) as process:
        with fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), WAIT_S) as session:
            session.attach(process.pid, ("rip",))
            session._kill()
            with pytest.raises(fd_gdb.GdbError, match="ended"):
                session.detach()
        wait_until(lambda: _state(process.pid) == "S")
        assert process.poll() is None


@needs_gdb
@needs_root
@pytest.mark.skipif(platform.machine() != "x86_64", reason="registers of x86-64")
def test_after_a_failed_assignment_the_real_gdb_does_not_let_it_go_on(tmp_path: Path) -> None:
    with running(SLEEPER) as process, fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), WAIT_S) as session:
        before = session.attach(process.pid, ("rip", "rax"))
        with pytest.raises(fd_gdb.GdbError, match="gdb: "):
            session.assign_and_call("$rax=1/0", "1==1", ("rip", "rax"))
        assert _registers(session, ("rip", "rax")) == before
        assert _state(process.pid) == "t"


@needs_gdb
@needs_root
def test_the_name_of_a_thread_is_no_answer_of_the_real_gdb(tmp_path: Path) -> None:
    """It takes the signal, and gdb tells of that by the name, with whatever stands in it."""
    code = (
        "import ctypes, signal, threading, time\n"
        "name = b'\\nNo register.\\n='\n"
        "def work():\n"
        "    ctypes.CDLL(None).prctl(15, name, 0, 0, 0)\n"
        "    time.sleep(60)\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "ctypes.CDLL(None).prctl(15, name, 0, 0, 0)\n"
        "print(1)\n"
        "time.sleep(60)"
    )
    with running(code) as process, fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), WAIT_S) as session:
        before = session.attach(process.pid, ("rip",))
        os.kill(process.pid, signal.SIGALRM)
        stopped, after = session.assign_and_call("$rip=$rip", "0==1", ("rip",))
        assert stopped == (fd_gdb.SIGNAL, "SIGALRM")
        assert after == before
