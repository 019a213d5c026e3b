# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of /proc: on texts as different kernels print them, with hostile names, and on the real /proc."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import threading
from pathlib import Path
from typing import List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _procfs
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    inode,
    running,
    stat_line,
    tree,
    wait_until,
)

#: Names that a process can give itself (prctl(2), PR_SET_NAME), 15 bytes at most.
NAMES = [
    "redis-server",
    "a) R (b",
    "a) R 1 2 3",
    "((((",
    "))))",
    " (sd-pam",
    "two words",
    "line\nbreak",
    "12 (x) S 9",
    "\x0b\x0c\x1c\u2028",
    "",
    ")",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_cannot_shift_the_fields(name: str) -> None:
    found = _procfs.parse_stat(stat_line(8123, name, "D", ppid=77, start_time=90210))
    assert found == _procfs.Stat(pid=8123, name=name, state="D", ppid=77, start_time=90210)


def test_the_line_of_an_old_kernel() -> None:
    # Linux 3.10: 44 fields.
    line = (
        "2391 (java) S 1 2391 2391 0 -1 1077960704 32187 0 11 0 1520 441 0 0 20 0 38 0 8817 4871479296 53121"
        " 18446744073709551615 1 1 0 0 0 0 0 0 16800975 18446744073709551615 0 0 17 3 0 0 0 0 0\n"
    )
    assert _procfs.parse_stat(line) == _procfs.Stat(2391, "java", "S", 1, 8817)


def test_the_stat_of_this_process_is_true(tmp_path: Path) -> None:
    found = _procfs.stat(os.getpid())
    assert found is not None
    assert (found.pid, found.ppid, found.state) == (os.getpid(), os.getppid(), "R")
    child = os.fork()
    if not child:
        os._exit(0)
    try:
        wait_until(lambda: (_procfs.stat(child) or found).state == "Z")
        mine = _procfs.stat(child)
        assert mine is not None
        assert mine.ppid == os.getpid()
        assert mine.start_time >= found.start_time
    finally:
        os.waitpid(child, 0)
    assert _procfs.stat(child) is None
    assert _procfs.stat(5, str(tmp_path)) is None


@pytest.mark.parametrize("name", ["a) R (b", "x\ny", "(((", "ü) Z 0"])
def test_a_real_process_with_a_hostile_name(name: str) -> None:
    code = (
        "import ctypes, sys, time;"
        "ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0); print('ready'); time.sleep(60)"
    )
    with running(code, name) as process:
        found = _procfs.stat(process.pid)
        assert found is not None
        assert (found.name, found.ppid) == (name, os.getpid())
        assert _procfs.status(process.pid)["PPid"] == str(os.getpid())


def test_pids_are_numbers_in_order(tmp_path: Path) -> None:
    for name in ("9", "10", "self", "1x", "sys", "130"):
        (tmp_path / name).mkdir()
    assert _procfs.pids(str(tmp_path)) == [9, 10, 130]


def test_the_fd_table_of_a_tree(tmp_path: Path) -> None:
    links = {
        "0": "/dev/null",
        "3": "socket:[88120]",
        "17": "anon_inode:[eventpoll]",
        "21": "anon_inode:[eventfd]",
        "22": "pipe:[9]",
        "23": "/srv/socket:[5] (deleted)",
        "101": "socket:[4294967295]",
    }
    proc = tree(tmp_path, {31: {"fd": links}})
    assert _procfs.fd_table(31, proc) == _procfs.FdTable({3: 88120, 101: 4294967295}, [17], {0, 21, 22, 23})


def test_what_we_look_through_is_not_seen() -> None:
    table = _procfs.fd_table(os.getpid())
    for fd in (*table.sockets, *table.epolls, *table.others):
        os.fstat(fd)


def test_fd_tables_that_cannot_be_read_are_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _procfs.fd_table(31, str(tmp_path))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("socket:[52426]", 52426),
        (None, None),
        ("", None),
        ("socket:[52426] (deleted)", None),
        ("/tmp/socket:[1]", None),
        ("pipe:[52426]", None),
        ("socket:[]", None),
    ],
)
def test_socket_inodes_in_links(target: str, expected: int) -> None:
    assert _procfs.socket_inode(target) == expected


def test_links_and_flags_of_real_fds() -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        me, fd = os.getpid(), sock.fileno()
        assert _procfs.link(me, fd) == "socket:[%d]" % inode(sock)
        flags = _procfs.fd_flags(me, fd)
        assert flags & os.O_NONBLOCK
        assert flags & os.O_CLOEXEC
        sock.setblocking(True)
        os.set_inheritable(fd, True)
        assert not _procfs.fd_flags(me, fd) & (os.O_NONBLOCK | os.O_CLOEXEC)
    assert _procfs.link(me, fd) is None
    assert _procfs.fdinfo(me, fd) == ""
    assert _procfs.fd_flags(me, fd) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pos:\t0\nflags:\t02004002\nmnt_id:\t9\n", 0o2004002),
        ("pos:\t0\nflags:\t0100000\nmnt_id:\t25\nino:\t77\n", 0o100000),
        ("pos:\t0\n", 0),
    ],
)
def test_flags_are_octal(tmp_path: Path, text: str, expected: int) -> None:
    proc = tree(tmp_path, {6: {"fdinfo/4": text}})
    assert _procfs.fd_flags(6, 4, proc) == expected


STATUS_3_10 = "Name:\tx y\nState:\tS (sleeping)\nTracerPid:\t0\nUid:\t70\t70\t70\t70\nThreads:\t3\nSeccomp:\t0\n"
STATUS_6 = (
    "Name:\tTracerPid\\n9\nUmask:\t0022\nState:\tt (tracing stop)\nTracerPid:\t41\nUid:\t0\t0\t0\t0\n"
    "NStgid:\t31\t7\nSeccomp:\t2\nSeccomp_filters:\t1\nvoluntary_ctxt_switches:\t150\n"
)


def test_status_of_several_kernels(tmp_path: Path) -> None:
    proc = tree(tmp_path, {1: {"status": STATUS_3_10}, 2: {"status": STATUS_6}})
    old, new = _procfs.status(1, proc), _procfs.status(2, proc)
    assert (old["Name"], old["TracerPid"], old["Threads"], old["Uid"]) == ("x y", "0", "3", "70\t70\t70\t70")
    assert (new["TracerPid"], new["Seccomp"], new["NStgid"]) == ("41", "2", "31\t7")
    assert _procfs.status(3, proc) == {}


def test_a_name_cannot_forge_a_line_of_status(tmp_path: Path) -> None:
    # The kernel escapes only newline and backslash in it (fs/proc/array.c, proc_task_name).
    text = "Name:\tx\x0cTracerPid: 7\r\nTracerPid:\t0\n"
    proc = tree(tmp_path, {1: {"status": text}})
    assert _procfs.status(1, proc)["TracerPid"] == "0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (("Limit                     Soft Limit           Hard Limit           Units     \n"
          "Max processes             95994                95994                processes \n"
          "Max open files            31337                524288               files     \n"), 31337),
        ("Max open files            unlimited            unlimited            files     \n", None),
        ("Max cpu time              unlimited            unlimited            seconds   \n", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_soft_limit_of_open_files(tmp_path: Path, text: str, expected: int) -> None:
    proc = tree(tmp_path, {9: {"limits": text}})
    assert _procfs.fd_limit(9, proc) == expected
    assert _procfs.fd_limit(10, proc) is None


def test_the_limit_of_this_process() -> None:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert _procfs.fd_limit(os.getpid()) == (None if soft == resource.RLIM_INFINITY else soft)


def test_children_of_all_threads(tmp_path: Path) -> None:
    proc = tree(tmp_path, {5: {"task/5/children": "71 72 \n", "task/8/children": "", "task/9/children": "1073 \n"}})
    assert sorted(_procfs.children(5, proc)) == [71, 72, 1073]
    assert _procfs.children(6, proc) == []


def test_a_thread_that_ends_meanwhile_hides_no_children(tmp_path: Path) -> None:
    proc = tree(tmp_path, {5: {"task/5/children": "71 \n", "task/9/children": "72 \n"}})
    for tid in range(20, 40):
        (tmp_path / "5" / "task" / str(tid)).mkdir()
    assert sorted(_procfs.children(5, proc)) == [71, 72]


def test_a_child_of_another_thread_is_seen() -> None:
    born: List[subprocess.Popen[bytes]] = []
    done = threading.Event()

    def start() -> None:
        born.append(subprocess.Popen(["sleep", "60"]))
        done.wait()

    thread = threading.Thread(target=start)
    thread.start()
    try:
        wait_until(lambda: born)
        assert born[0].pid in _procfs.children(os.getpid())
    finally:
        done.set()
        thread.join()
        born[0].kill()
        born[0].wait()


def test_command_lines(tmp_path: Path) -> None:
    proc = tree(
        tmp_path,
        {
            2: {"cmdline": "/usr/bin/x\0--a b\0\0c\0"},
            3: {"cmdline": ""},
            4: {"cmdline": "[celeryd: c@h] -active-" + "\0" * 40},
            5: {"cmdline": "caf\udce9\0"},
        },
    )
    assert _procfs.cmdline(2, proc) == ["/usr/bin/x", "--a b", "c"]
    assert _procfs.cmdline(3, proc) == []
    assert _procfs.cmdline(4, proc) == ["[celeryd: c@h] -active-"]
    assert _procfs.cmdline(5, proc) == ["caf\ufffd"]
    assert _procfs.cmdline(99, proc) == []


def test_environments(tmp_path: Path) -> None:
    text = "A=1\0SUPERVISOR_GROUP_NAME=grp=x\0broken\0=odd\0MULTI=a\nb\0"
    proc = tree(tmp_path, {2: {"environ": text}, 3: {"environ": ""}})
    found = _procfs.environ(2, proc)
    assert found["SUPERVISOR_GROUP_NAME"] == "grp=x"
    assert found["MULTI"] == "a\nb"
    assert "broken" not in found
    assert _procfs.environ(3, proc) == {}
    assert _procfs.environ(4, proc) == {}


MAPS = """\
5581a000-5581b000 r--p 00000000 fe:01 1311 /usr/bin/python3.9
5581b000-5581c000 r-xp 00001000 fe:01 1311 /usr/bin/python3.9
5581d000-5581e000 rw-p 00000000 00:00 0    [heap]
7f10a000-7f10b000 r--p 00000000 fe:01 99   /srv/my app/lib/x y.so (deleted)
7f10c000-7f10d000 rw-p 00000000 00:00 0
7f10e000-7f10f000 r--p 00000000 fe:01 98   /srv/a\\012b.so
7ffd4000-7ffd5000 r-xp 00000000 00:00 0    [vdso]
7ffd6000-7ffd7000 rw-s 00000000 00:0c 7    anon_inode:[perf_event]
"""


def test_mapped_files_are_named_once_with_their_spaces(tmp_path: Path) -> None:
    proc = tree(tmp_path, {2: {"maps": MAPS}})
    assert _procfs.mapped_files(2, proc) == [
        "/usr/bin/python3.9",
        "/srv/my app/lib/x y.so (deleted)",
        "/srv/a\\012b.so",
    ]
    assert _procfs.mapped_files(3, proc) == []


def test_executable_cgroup_and_boot(tmp_path: Path) -> None:
    proc = tree(tmp_path, {2: {"cgroup": "0::/x.service\n"}})
    (tmp_path / "2" / "exe").symlink_to("/opt/prog (deleted)")
    assert _procfs.exe(2, proc) == "/opt/prog (deleted)"
    assert _procfs.exe(3, proc) == ""
    assert _procfs.cgroup(2, proc) == "0::/x.service\n"
    assert _procfs.cgroup(3, proc) == ""
    assert _procfs.boot_id(proc) is None
    assert _procfs.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
