# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session with gdb: with programs in gdb's place that misbehave in every way, and with the real one."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Iterator, List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.plugins.module_utils._fd import gdb as fd_gdb
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    needs_gdb,
    needs_root,
    running,
    script,
    wait_until,
)

DEADLINE_S = 0.25
SLACK_S = 3.0

#: Answers every command with what the shell command put into it prints.
OBEDIENT = """
printf '=thread-group-added,id="i1"\\n(gdb) \\n'
while read -r line; do
  case $line in *gdb-exit*) exit;; esac
  %s
  printf '(gdb) \\n'
done
"""


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


def _session(folder: Path, body: str) -> fd_gdb.Session:
    return fd_gdb.Session(script(folder, body), str(folder), DEADLINE_S)


def _fails(folder: Path, body: str) -> str:
    """The error of a gdb that does not even greet; it must come soon after the deadline."""
    start = time.monotonic()
    with pytest.raises(fd_gdb.GdbError) as caught:
        _session(folder, body)
    assert time.monotonic() - start < DEADLINE_S + SLACK_S
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
    assert "ended" in _fails(folder, "exit 7")


def test_gdb_closes_its_output_and_lives_on(folder: Path) -> None:
    assert "ended" in _fails(folder, "echo $$ > pids; exec >&- 2>&-; exec sleep 600")


def test_gdb_babbles(folder: Path) -> None:
    assert "no answer" in _fails(folder, "echo $$ > pids; exec yes '~\"text\"'")


def test_gdb_babbles_without_a_line_end(folder: Path) -> None:
    message = _fails(folder, "echo $$ > pids; while :; do printf '%01000d' 0; done")
    assert "no answer" in message or "line without end" in message


def test_gdb_dies_after_its_greeting(folder: Path) -> None:
    with _session(folder, "echo '(gdb) '; exit 1") as session:
        for _turn in range(3):
            with pytest.raises(fd_gdb.GdbError, match="ended"):
                session.command("-gdb-version")


def test_leaving_never_raises_and_never_lasts(folder: Path) -> None:
    for body in ("echo '(gdb) '; exit 1", "echo '(gdb) '; echo $$ > pids; exec sleep 600"):
        start = time.monotonic()
        with _session(folder, body) as session:
            pass
        session.close()
        assert time.monotonic() - start < DEADLINE_S + SLACK_S


def test_gdb_falls_silent_in_the_middle(folder: Path) -> None:
    body = OBEDIENT % "echo $$ > pids; case $line in *quiet*) exec sleep 600;; *) echo '^done';; esac"
    with _session(folder, body) as session:
        assert session.command("-loud") == "^done"
        with pytest.raises(fd_gdb.GdbError, match=r"no answer in 0.25 s"):
            session.command("-quiet")
        with pytest.raises(fd_gdb.GdbError, match="ended"):
            session.command("-loud")


def test_gdb_says_no(folder: Path) -> None:
    body = OBEDIENT % """echo '^error,msg="ptrace: Operation not permitted (\\"x\\")."'"""
    with _session(folder, body) as session, pytest.raises(fd_gdb.GdbError, match="ptrace: Operation not permitted"):
        session.attach(77, ("rip",))


def test_gdb_answers_nonsense(folder: Path) -> None:
    with _session(folder, OBEDIENT % "echo '^what'") as session, pytest.raises(fd_gdb.GdbError, match="what"):
        session.command("-x")


@pytest.mark.parametrize(("answer", "value"), [("4294967298", "4294967298"), ("-9", "-9"), ("0x0 <a>", "0x0 <a>")])
def test_values(folder: Path, answer: str, value: str) -> None:
    with _session(folder, OBEDIENT % ("echo '^done,value=\"%s\"'" % answer)) as session:
        assert session.evaluate("$x") == value


def test_no_value(folder: Path) -> None:
    with _session(folder, OBEDIENT % "echo '^done'") as session, pytest.raises(fd_gdb.GdbError, match=r"\$rax"):
        session.evaluate("$rax")


def test_registers_by_name(folder: Path) -> None:
    body = (
        OBEDIENT
        % """case $line in
      *names*) echo '^done,register-names=["rax","","rbx","rip"]';;
      *) printf '%s\\n' "$line" >> asked
         echo '^done,register-values=[{number="3",value="0x7fff00000001"},{number="0",value="0xffffffffffffffda"}]';;
    esac"""
    )
    with _session(folder, body) as session:
        found = session.registers(("rip", "rax"))
        session.registers(("rip", "rax"))
    assert found == {"rip": 0x7FFF00000001, "rax": 0xFFFFFFFFFFFFFFDA}
    asked = (folder / "asked").read_text().splitlines()
    assert [line.split()[2:] for line in asked] == [["3", "0"], ["3", "0"]]


#: Answers what one system call needs; %s are the lines after the first and after every further time that it goes on.
CALLING = """case $line in
  *names*) echo '^done,register-names=["rax","","rbx","rip"]';;
  *evaluate*) printf '%%s\\n' "$line" >> asked; echo '^done,value="7"';;
  *continue*) printf '%%s\\n' "$line" >> asked; echo '^running'; echo "${next:-%s}"; next='%s';;
  *) echo '^done,register-values=[{number="3",value="0x9"}]';;
esac"""
ENTRY = '*stopped,reason=\\"syscall-entry\\",syscall-name=\\"close\\"'
RETURN = '*stopped,reason="syscall-return",syscall-name="close"'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (RETURN, (fd_gdb.RETURN, "")),
        ('*stopped,reason="signal-received",signal-name="SIGPROF",signal-meaning="x"', ("signal-received", "SIGPROF")),
        ('*stopped,frame={addr="0x1"}', ("", "")),
    ],
)
def test_a_call_is_entered_and_returns(folder: Path, line: str, expected: tuple[str, str]) -> None:
    with _session(folder, OBEDIENT % (CALLING % (ENTRY, line))) as session:
        assert session.assign_and_call("$rip=7", ("rip",)) == (expected, {"rip": 9})
        # Nothing of it is left to be taken for an answer to something else.
        assert session.registers(("rip",)) == {"rip": 9}
    asked = (folder / "asked").read_text().splitlines()
    assert asked == ['-data-evaluate-expression "$rip=7"', "-exec-continue", "-exec-continue"]


def test_after_a_signal_that_came_first_it_goes_no_further(folder: Path) -> None:
    signalled = '*stopped,reason=\\"signal-received\\",signal-name=\\"SIGALRM\\"'
    with _session(folder, OBEDIENT % (CALLING % (signalled, RETURN))) as session:
        assert session.assign_and_call("$rip=7", ("rip",))[0] == ("signal-received", "SIGALRM")
    assert (folder / "asked").read_text().count("-exec-continue") == 1


def test_after_a_failed_assignment_it_does_not_go_on(folder: Path) -> None:
    body = CALLING.replace("echo '^done,value=\"7\"'", "echo '^error,msg=\"no registers\"'") % (ENTRY, RETURN)
    with _session(folder, OBEDIENT % body) as session, pytest.raises(fd_gdb.GdbError, match="no registers"):
        session.assign_and_call("$rip=7", ("rip",))
    assert "continue" not in (folder / "asked").read_text()


@pytest.mark.parametrize("reason", ["exited", "exited-normally", "exited-signalled"])
def test_the_target_ends_in_our_hands(folder: Path, reason: str) -> None:
    body = OBEDIENT % (CALLING % (ENTRY, '*stopped,reason="%s"' % reason))
    with _session(folder, body) as session, pytest.raises(fd_gdb.GdbError, match="process ended"):
        session.assign_and_call("$rip=7", ("rip",))


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


SLEEPER = "import time\nprint(1)\ntime.sleep(60)"


@needs_gdb
@needs_root
def test_the_real_gdb_holds_a_process_and_lets_it_go(tmp_path: Path) -> None:
    with running(SLEEPER) as process, fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), 10.0) as session:
        session.attach(process.pid, ("rip",))
        assert _state(process.pid) == "t"
        registers = session.registers(("rip", "rsp", "orig_rax"))
        assert int(session.evaluate("(unsigned long)$rip")) == registers["rip"]
        session.detach()
        wait_until(lambda: _state(process.pid) == "S")
        session.attach(process.pid, ("rip",))
        assert session.registers(("rip", "rsp", "orig_rax")) == registers
        session.close()
        wait_until(lambda: _state(process.pid) == "S")
        assert process.poll() is None


@needs_gdb
def test_the_real_gdb_cannot_attach_to_nobody(tmp_path: Path) -> None:
    with fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), 10.0) as session:
        with pytest.raises(fd_gdb.GdbError, match="gdb: "):
            session.attach(4194301, ("rip",))
        assert session.evaluate("6*7") == "42"


@needs_gdb
@needs_root
def test_killing_the_real_gdb_releases_what_it_holds(tmp_path: Path) -> None:
    with running(SLEEPER) as process:
        with fd_gdb.Session(str(shutil.which("gdb")), str(tmp_path), 10.0) as session:
            session.attach(process.pid, ("rip",))
            session._kill()
            with pytest.raises(fd_gdb.GdbError, match="ended"):
                session.detach()
        wait_until(lambda: _state(process.pid) == "S")
        assert process.poll() is None
