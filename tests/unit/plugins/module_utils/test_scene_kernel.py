# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a process before anything is changed."""

from __future__ import annotations

import json
import os
import select
from pathlib import Path
from typing import Dict, Iterator, NamedTuple

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._scene import kernel
from ansible_collections.closewait.remediation.tests.unit.plugins.module_utils.loopback import (
    half_closed,
    inode,
    running,
    stat_line,
    tree,
)

SECRET = "s3cretvalue"  # noqa: S105 - of nobody


class Scene(NamedTuple):
    """This process, which watches a half-closed socket, and another, which was started with secrets."""

    files: Dict[str, str]
    other: int
    fd: int
    inode: int
    epoll: int


@pytest.fixture(name="scene", scope="module")
def _scene_of_two() -> Iterator[Scene]:
    os.environ["CLOSEWAIT_TEST_PASSWORD"] = SECRET
    words = ("--password", SECRET, "redis://:%s@h/0" % SECRET)
    with select.epoll() as epoll, half_closed() as sock, running("print(1); input()", *words) as other:
        epoll.register(sock.fileno(), select.EPOLLIN)
        files = kernel.capture([os.getpid(), other.pid], 10_000)
        yield Scene(files, other.pid, sock.fileno(), inode(sock), epoll.fileno())
    del os.environ["CLOSEWAIT_TEST_PASSWORD"]


def test_the_scene_of_a_real_process(scene: Scene) -> None:
    files = scene.files
    assert scene.inode in [row["inode"] for row in json.loads(files["tcp.json"])["close_wait"]["sockets"]]
    assert "%d -> socket:[%d]\n" % (scene.fd, scene.inode) in files["%d/fd" % os.getpid()]
    assert "epoll fd %d\n" % scene.epoll in files["%d/epoll" % os.getpid()]
    assert "tfd: %8d" % scene.fd in files["%d/epoll" % os.getpid()]
    assert files["%d/stat" % os.getpid()].startswith("%d (" % os.getpid())
    assert "Max open files" in files["%d/limits" % os.getpid()]
    assert "voluntary_ctxt_switches" in files["%d/status" % os.getpid()]
    assert len(files["%d/threads" % os.getpid()].splitlines()) >= 2
    assert "MemTotal" in files["host/meminfo"]
    assert "TCP" in files["host/net/sockstat"]


def test_fds_are_listed_in_order_of_their_numbers(scene: Scene) -> None:
    numbers = [int(line.split()[0]) for line in scene.files["%d/fd" % os.getpid()].splitlines()]
    assert numbers == sorted(numbers)
    assert len(numbers) > 5


def test_no_secret_is_kept(scene: Scene) -> None:
    assert "--password\n" in scene.files["%d/cmdline" % scene.other]
    assert SECRET not in "".join(scene.files.values())
    assert not {name.split("/")[-1] for name in scene.files} & {"environ", "maps", "mem", "auxv"}


def test_every_process_has_the_same_files(scene: Scene) -> None:
    kept = [
        {name.split("/", 1)[1] for name in scene.files if name.startswith("%d/" % pid)}
        for pid in (os.getpid(), scene.other)
    ]
    assert kept[0] == kept[1]
    assert set(kernel.PROCESS_FILES) < kept[0]


def test_what_cannot_be_read_is_said_and_stops_nothing(tmp_path: Path) -> None:
    proc = tree(tmp_path, {60: {"stat": stat_line(60, "x")}})
    files = kernel.capture([60, 61], 5, proc)
    assert files["60/stat"] == stat_line(60, "x")
    assert files["60/limits"] == "could not look: No such file or directory\n"
    for name in ("stat", "fd", "epoll", "threads", "status"):
        assert files["61/" + name].startswith("could not look: ")
    assert files["host/loadavg"].startswith("could not look: ")


def test_a_text_is_bounded(tmp_path: Path) -> None:
    proc = tree(tmp_path, {60: {"status": "x" * (kernel.LONGEST + 5)}})
    assert len(kernel.capture([60], 5, proc)["60/status"]) <= kernel.LONGEST + 100
