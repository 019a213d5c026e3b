# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis servers among the processes, in a /proc in miniature."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._redis import process as redis_process
from ansible_collections.closewait.remediation.plugins.module_utils._redis.reply import RedisError


def _process(proc: Path, pid: int, name: str, ppid: int, state: str = "S") -> None:
    folder = proc / str(pid)
    folder.mkdir()
    rest = " ".join(["0"] * 17 + [str(pid * 100)] + ["0"] * 30)
    (folder / "stat").write_text("%d (%s) %s %d %s\n" % (pid, name, state, ppid, rest))
    (folder / "status").write_text("Name:\t%s\nNSpid:\t%d\t1\n" % (name, pid))
    (folder / "root").symlink_to("/")


@pytest.fixture(name="proc")
def fixture_proc(tmp_path: Path) -> str:
    _process(tmp_path, 7, "redis-server", 1)
    _process(tmp_path, 8, "redis-server", 7)
    _process(tmp_path, 9, "valkey-server", 1)
    _process(tmp_path, 10, "redis-cli", 1)
    _process(tmp_path, 11, "redis-server", 1, "Z")
    return str(tmp_path)


def test_servers_without_the_child_that_saves_and_the_dead(proc: str) -> None:
    assert [(stat.pid, stat.name, stat.start_time) for stat in redis_process.servers(proc)] == [
        (7, "redis-server", 700),
        (9, "valkey-server", 900),
    ]


def test_the_file_of_a_server(proc: str, tmp_path: Path) -> None:
    conf = tmp_path / "r.conf"
    conf.write_text("")
    assert redis_process.reads(7, str(conf), proc) is True
    assert redis_process.reads(10, str(conf), proc) is False
    assert redis_process.reads(1, str(conf), proc) is False
    assert redis_process.reads(7, str(tmp_path / "none.conf"), proc) is False


def test_the_file_of_a_server_with_another_root(proc: str, tmp_path: Path) -> None:
    conf = tmp_path / "r.conf"
    conf.write_text("")
    other = tmp_path / "container"
    (other / str(tmp_path)[1:]).mkdir(parents=True)
    (other / str(conf)[1:]).write_text("")
    (tmp_path / "7" / "root").unlink()
    (tmp_path / "7" / "root").symlink_to(other)
    assert redis_process.reads(7, str(conf), proc) is False


def test_the_pid_in_a_container(proc: str) -> None:
    assert redis_process.pid_in_own_namespace(7, proc) == 1
    assert redis_process.pid_in_own_namespace(os.getpid()) == os.getpid()


def test_beside_nobody_is_here() -> None:
    with redis_process.beside(None):
        pass


def test_beside_a_process_that_is_no_server_is_refused() -> None:
    with pytest.raises(RedisError) as caught, redis_process.beside(os.getpid()):
        pass
    assert caught.value.kind == "gone"
