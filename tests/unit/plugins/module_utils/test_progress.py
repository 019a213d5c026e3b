# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether busy processes get anywhere: parsers on captured text, and real programs followed through a window."""

from __future__ import annotations

import json
import os
import resource
import socket
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import (
    _cpu_sampling,
    _procfs,
    _sock_diag,
)
from ansible_collections.closewait.remediation.plugins.module_utils._collectors import progress
from ansible_collections.closewait.remediation.plugins.module_utils._cpu_options import CpuOptions
from ansible_collections.closewait.remediation.plugins.module_utils._perf import (
    process_calls,
    syscall_numbers,
    tracepoint,
)
from ansible_collections.closewait.remediation.plugins.module_utils._progress import (
    connections,
    facts,
    mounts,
    transfer,
    watch,
    written_files,
)
from ansible_collections.closewait.remediation.plugins.module_utils._progress.window import ProgressWindow
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import half_closed, running

needs_psutil = pytest.mark.skipif(not _cpu_sampling.HAS_PSUTIL, reason="psutil is not installed for this interpreter")
QUICK = CpuOptions(0.8, 4, 0.0, [])
IO = """rchar: 6857788
wchar: 1960591
syscr: 763
syscw: 9019
read_bytes: 0
write_bytes: 1961984
cancelled_write_bytes: 0
"""
MOUNTINFO = """21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
35 21 0:31 / /srv/my\\040data rw,relatime - tmpfs none rw,size=64k
36 21 0:44 / /srv/shared rw - nfs4 filer:/vol rw,vers=4.2
37 36 0:45 / /srv/shared/here rw - xfs /dev/vdb rw
38 21 0:46 / /mnt rw - fuse.sshfs host: rw
"""


def test_io() -> None:
    first = transfer.parse(IO)
    assert first == transfer.Transfer(read=6857788, written=1960591, reads=763, writes=9019)
    then = first._replace(written=1960600, writes=9030)
    assert transfer.steps([first, then, then]) == [transfer.Transfer(0, 9, 0, 11), transfer.Transfer(0, 0, 0, 0)]
    assert transfer.steps([first]) == []


@pytest.mark.parametrize(
    ("path", "kind", "local"),
    [
        ("/var/log/x", "ext4", True),
        ("/srv/my data/log", "tmpfs", True),
        ("/srv/my data", "tmpfs", True),
        ("/srv/my database", "ext4", True),
        ("/srv/shared/log", "nfs4", False),
        ("/srv/shared/here/log", "xfs", True),
        ("/mnt/log", "fuse.sshfs", False),
    ],
)
def test_which_file_system_a_path_is_on(path: str, kind: str, local: object) -> None:
    found = mounts.holding(mounts.parse(MOUNTINFO), path)
    assert found is not None
    assert (found.kind, found.local) == (kind, local)


def test_files_that_are_written(tmp_path: Path) -> None:
    log, gone = tmp_path / "app.log", tmp_path / "gone.log"
    with log.open("a") as one, gone.open("w") as two, log.open() as read, Path("/dev/null").open("w") as null:
        one.write("a line\n")
        one.flush()
        gone.unlink()
        fds = [stream.fileno() for stream in (one, two, read, null)]
        found = written_files.open_for_writing(os.getpid(), fds)
        assert sorted(found) == sorted(fds[:2])
        first, second = found[fds[0]], found[fds[1]]
        assert (first.path, first.deleted, first.size) == (str(log), False, 7)
        assert (second.path, second.deleted) == (str(gone), True)
        assert first.free_bytes is not None
        assert first.free_bytes > 0


def test_files_of_a_server_that_may_be_away_are_not_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "app.log").open("w") as stream:
        known = mounts.of(os.getpid())
        away = {number: mount._replace(kind="nfs4") for number, mount in known.items()}
        monkeypatch.setattr(mounts, "of", lambda _pid, _proc: away)
        assert written_files.open_for_writing(os.getpid(), [stream.fileno()]) == {}


def test_folders_that_are_missing(tmp_path: Path) -> None:
    words = ("--logfile=%s/a/b.log" % tmp_path, "%s/c.log" % tmp_path, "-l", "%s/d/e.log" % tmp_path, "/x", "a/b", "/")
    with running("print(1); input()", *words) as program:
        found = written_files.missing_folders(program.pid)
    assert [(one.path, one.folder) for one in found] == [
        ("%s/a/b.log" % tmp_path, "%s/a" % tmp_path),
        ("%s/d/e.log" % tmp_path, "%s/d" % tmp_path),
    ]


def test_a_secret_is_no_path(tmp_path: Path) -> None:
    with running("print(1); input()", "--password=%s/never/shown" % tmp_path) as program:
        assert written_files.missing_folders(program.pid) == []


def test_connections_of_this_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, half_closed() as other:
        with socket.create_connection(server.getsockname()):
            inodes = [os.fstat(one.fileno()).st_ino for one in (server, other)]
            found = connections.of(os.getpid(), inodes)
    assert (found.listening, found.waiting, found.connected) == (1, 1, 1)


def test_when_it_last_sent() -> None:
    times = _sock_diag.Times(last_data_sent=2250, last_data_recv=10, last_ack_recv=10)
    base = _sock_diag.TcpSocket(2, 1, 0, ("a", 1), ("b", 2), 1, 0, 0, 0, 7, b"", times)
    listener = base._replace(state=_sock_diag.LISTEN, recv_q=3, times=None)
    silent = base._replace(times=times._replace(last_data_sent=90_000), recv_q=12)
    assert connections.summary([base, listener, silent]) == connections.Connections(1, 3, 2, 1, 2.25)
    assert connections.summary([]) == connections.Connections(0, 0, 0, 0, None)


def test_calls_are_named_and_cut() -> None:
    kinds = {(number, 2): 100 - number for number in range(30)}
    look = process_calls.Look(0.5, 4000, 0, 0, 5000, kinds)
    shown = facts.calls([look, look], [77])
    assert shown is not None
    assert (shown["seconds"], shown["failing"], shown["tids"]) == (1.0, [5000, 5000], [77])
    assert len(shown["failing_calls"]) == facts.MOST_KINDS
    assert shown["failing_calls"][0] == {
        "call": syscall_numbers.names(syscall_numbers.numbers() or {}).get(0, "number 0"),
        "errno": "ENOENT",
        "count": 200,
    }
    assert shown["failing_unlisted"] == 10_000 - sum(row["count"] for row in shown["failing_calls"])
    assert facts.calls([], []) is None


def test_files_that_grew_and_those_that_are_other_ones_by_now() -> None:
    one = written_files.WrittenFile(5, "/a", False, 10, 900)
    two = written_files.WrittenFile(6, "/b", False, 10, 0)
    shown = facts.files([{5: one, 6: two}, {5: one._replace(size=25), 6: two._replace(path="/c")}])
    assert [(row["fd"], row["grown"], row["free_bytes"]) for row in shown["files"]] == [(6, None, 0), (5, 15, 900)]


def _followed(pid: int) -> Dict[str, Any]:
    found = progress.collect(QUICK, ProgressWindow(QUICK))
    assert found["errors"] == []
    rows: List[Dict[str, Any]] = found["processes"]
    assert len(rows) <= watch.MOST_PROCESSES
    json.dumps(found)
    return next(row for row in rows if row["pid"] == pid)


@pytest.fixture(name="busiest")
def _busiest(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """However busy this machine is, the programs of the tests are followed; each takes some twenty descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    monkeypatch.setattr(watch, "MOST_PROCESSES", 5000)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@needs_psutil
@pytest.mark.usefixtures("busiest")
def test_a_program_that_writes(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    code = "f = open(%r, 'wb', 0)\nprint(1)\nwhile True: f.write(b'x')" % str(path)
    with running(code) as program:
        row = _followed(program.pid)
    stat = [sum(row["io"][name]) for name in ("bytes_written", "writes", "bytes_read", "reads")]
    # A write is one byte. The kernel adds it to the bytes and only then to the calls, while the program runs on: the
    # first look may meet a write that is in the bytes only, and so may the last.
    assert abs(stat[0] - stat[1]) <= 1
    assert stat[1] > 0
    assert stat[2:] == [0, 0]
    assert (str(path), True) in [(file["path"], bool(file["grown"])) for file in row["files"]]
    assert all(len(row["io"][name]) == QUICK.subwindows - 1 for name in row["io"])


@needs_psutil
@pytest.mark.usefixtures("busiest")
def test_a_program_whose_writes_fail() -> None:
    code = (
        "import os\nfd = os.open('/dev/full', os.O_WRONLY)\nprint(1)\n"
        "while True:\n try: os.write(fd, b'x')\n except OSError: pass"
    )
    with running(code) as program:
        row = _followed(program.pid)
    assert sum(row["io"]["bytes_written"]) == 0
    assert sum(row["io"]["writes"]) > 0
    if row["calls"] is not None:
        assert row["calls"]["failing_calls"][0]["call"] == "write"
        assert row["calls"]["failing_calls"][0]["errno"] == "ENOSPC"
        assert row["calls"]["tids"] == [program.pid]


@needs_psutil
@pytest.mark.usefixtures("busiest")
def test_what_cannot_be_counted_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(tracepoint, "sys_exit", refuse)
    with running("print(1)\nwhile True: pass") as program:
        row = _followed(program.pid)
    assert row["calls"] is None
    [error] = row["errors"]
    assert error["source"] == "system calls"
    assert error["reason"].startswith("permission denied")


def test_without_psutil_nothing_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cpu_sampling, "HAS_PSUTIL", False)
    found = progress.collect(QUICK, ProgressWindow(QUICK))
    assert found["processes"] is None
    assert found["errors"][0]["source"] == "psutil"


def test_a_process_that_ended_is_left_out_and_a_cut_is_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MOST_PROCESSES", 1)
    stat = _procfs.stat(os.getpid())
    assert stat is not None
    me, nobody = _cpu_sampling.Key(stat.pid, stat.start_time), _cpu_sampling.Key(stat.pid, stat.start_time + 1)
    watching = watch.Watch()
    watching.attend([nobody, me])
    assert watching.omitted == 1
    assert watching.finish() == []


@needs_psutil
def test_the_window_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    window = ProgressWindow(CpuOptions(0.2, 2, 5.0, []))
    first = window.measured()
    monkeypatch.setattr(_cpu_sampling, "follow", lambda *_a, **_k: pytest.fail("measured again"))
    assert window.measured() is first
