# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces: found through their members, entered and left again."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Iterator, List

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils import _netns, _rtnetlink
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    running,
    wait_until,
)

NAMESPACES = shutil.which("unshare") and subprocess.call(["unshare", "--net", "true"], stderr=subprocess.DEVNULL) == 0
needs_namespaces = pytest.mark.skipif(not NAMESPACES, reason="network namespaces cannot be made here (root, unshare)")
NOBODY = 4194300  # above pid_max on most machines, and in any case not running


def _inode(pid: int) -> int:
    return os.stat("/proc/%d/ns/net" % pid).st_ino


@pytest.fixture(name="stranger")
def _stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a network namespace of its own."""
    process = subprocess.Popen(["unshare", "--net", "sleep", "60"])
    try:
        wait_until(lambda: _inode(process.pid) != _netns.own())
        yield process
    finally:
        process.kill()
        process.wait()


def test_each_namespace_once_with_all_its_members(tmp_path: Path) -> None:
    for pid in (3, 40, 41):
        (tmp_path / str(pid) / "ns").mkdir(parents=True)
    one, other = tmp_path / "one", tmp_path / "other"
    one.touch()
    other.touch()
    for pid, namespace in ((3, one), (40, other), (41, one)):
        (tmp_path / str(pid) / "ns" / "net").symlink_to(namespace)
    found, denied = _netns.discover([3, 40, 41, 99], str(tmp_path))
    members = {one.stat().st_ino: [3, 41], other.stat().st_ino: [40]}
    assert {namespace.netns: namespace.pids for namespace in found} == members
    assert denied == []
    assert [namespace.netns for namespace in found] == sorted(members)


def test_this_process_is_in_its_own_namespace() -> None:
    [found] = _netns.discover([os.getpid()])[0]
    assert (found.netns, found.pids) == (_netns.own(), [os.getpid()])
    with _netns.entered(found):
        assert _inode(os.getpid()) == found.netns


@pytest.mark.skipif(os.geteuid() == 0, reason="root may ask every process; this is about who may not")
def test_processes_of_others_are_named_as_denied() -> None:
    assert 1 in _netns.discover([1, os.getpid()])[1]


@needs_namespaces
def test_what_is_opened_inside_stays_inside(stranger: subprocess.Popen[bytes]) -> None:
    home = _netns.own()
    [namespace] = _netns.discover([stranger.pid])[0]
    with _netns.entered(namespace):
        assert os.stat("/proc/thread-self/ns/net").st_ino == namespace.netns
        inside = _rtnetlink.addresses()
        sock = socket.socket()
    with sock:
        assert os.stat("/proc/thread-self/ns/net").st_ino == home
        assert inside in ([], ["127.0.0.1"], ["127.0.0.1", "::1"])
        with pytest.raises(OSError, match="unreachable"):
            sock.connect(("127.0.0.1", 1))


@needs_namespaces
def test_an_error_inside_leads_back_home(stranger: subprocess.Popen[bytes]) -> None:
    [namespace] = _netns.discover([stranger.pid])[0]

    def fail() -> None:
        with _netns.entered(namespace):
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert os.stat("/proc/thread-self/ns/net").st_ino == _netns.own()


@needs_namespaces
def test_members_that_have_ended_are_passed_over(stranger: subprocess.Popen[bytes]) -> None:
    namespace = _netns.Namespace(_inode(stranger.pid), [NOBODY, NOBODY + 1, stranger.pid])
    with _netns.entered(namespace):
        assert os.stat("/proc/thread-self/ns/net").st_ino == namespace.netns


def test_a_namespace_without_members_is_deserted() -> None:
    with pytest.raises(_netns.DesertedError), _netns.entered(_netns.Namespace(1, [NOBODY])):
        pytest.fail("nobody is there")


def test_a_member_that_has_moved_does_not_lead_elsewhere() -> None:
    entered: List[int] = []
    with running("print(1); input()") as process:
        # The pid is now that of a process in another namespace than the one remembered.
        with pytest.raises(_netns.DesertedError), _netns.entered(_netns.Namespace(1, [process.pid])):
            entered.append(1)
    assert entered == []


def test_whether_anybody_is_left() -> None:
    here = _netns.own()
    assert not _netns.is_deserted(_netns.Namespace(here, [NOBODY, os.getpid()]))
    assert _netns.is_deserted(_netns.Namespace(here, [NOBODY]))
    assert _netns.is_deserted(_netns.Namespace(here + 1, [os.getpid()])), "it went elsewhere"
    assert _netns.is_deserted(_netns.Namespace(here, []))


def test_who_may_not_look_does_not_know_that_it_is_deserted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_pid: int, _proc: str) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(_netns, "_open", refuse)
    assert not _netns.is_deserted(_netns.Namespace(7, [NOBODY]))
