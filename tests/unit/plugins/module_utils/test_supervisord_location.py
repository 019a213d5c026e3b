# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""supervisord found above a process, in a /proc made of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisord_location


class Machine:
    """A folder with ``proc`` and ``site`` in it."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.site = root / "site"
        self.site.mkdir(parents=True)

    def process(self, pid: int, ppid: int, *argv: str) -> None:
        """Add a process that works in ``site``."""
        folder = self.proc / str(pid)
        folder.mkdir(parents=True)
        fields = " ".join(["S", str(ppid), *["0"] * 17, "77", *["0"] * 20])
        (folder / "stat").write_text("%d (a) b) %s\n" % (pid, fields))
        (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in argv))
        (folder / "status").write_text("Name:\tx\nUid:\t0\t33\t0\t0\nGid:\t0\t44\t0\t0\n")
        (folder / "cwd").symlink_to(self.site)

    def file(self, name: str) -> Path:
        """Add a file that can be executed."""
        path = self.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o700)
        return path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_nearest_supervisord_above_with_its_file_client_and_owner(machine: Machine) -> None:
    configuration = machine.file("conf/my.conf")
    client = machine.file("venv/bin/supervisorctl")
    daemon = str(machine.site / "venv/bin/supervisord")
    machine.process(10, 1, "/usr/bin/python3", daemon, "-n", "-c", str(configuration))
    machine.process(20, 10, "/bin/sh", "-c", "celery")
    machine.process(30, 20, "celery")
    found = supervisord_location.ancestor(30, str(machine.proc))
    assert found is not None
    assert (found.pid, found.program, found.configuration) == (10, daemon, str(configuration))
    assert tuple(found.owner) == (33, 44)
    assert supervisord_location.client_beside(found) == str(client)


def test_relative_names_are_relative_to_where_it_works(machine: Machine) -> None:
    configuration = machine.file("super.conf")
    client = machine.file("bin/supervisorctl")
    machine.process(10, 1, "python3", "bin/supervisord", "--configuration=super.conf")
    machine.process(20, 10, "celery")
    found = supervisord_location.ancestor(20, str(machine.proc))
    assert found is not None
    assert found.configuration == str(configuration)
    assert supervisord_location.client_beside(found) == str(client)


@pytest.mark.parametrize(
    "name", ["venv/etc/supervisord.conf", "venv/supervisord.conf", "supervisord.conf", "etc/supervisord.conf"]
)
def test_without_a_named_file_the_usual_places_are_looked_at(machine: Machine, name: str) -> None:
    configuration = machine.file(name)
    machine.process(10, 1, "python3", str(machine.site / "venv/bin/supervisord"))
    machine.process(20, 10, "celery")
    found = supervisord_location.ancestor(20, str(machine.proc))
    assert found is not None
    assert found.configuration == str(configuration)


def test_a_named_file_that_is_not_there_is_not_replaced_by_another(machine: Machine) -> None:
    machine.file("supervisord.conf")
    machine.process(10, 1, "python3", "/x/supervisord", "-c", "other.conf")
    machine.process(20, 10, "celery")
    found = supervisord_location.ancestor(20, str(machine.proc))
    assert found is not None
    assert found.configuration is None


def test_an_orphan_has_none(machine: Machine) -> None:
    machine.process(1, 0, "init")
    machine.process(20, 1, "celery", "supervisord.py")
    assert supervisord_location.ancestor(20, str(machine.proc)) is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-c", "a.conf"], "a.conf"),
        (["-n", "-ca.conf"], "a.conf"),
        (["--configuration", "a.conf", "-n"], "a.conf"),
        (["--configuration=a=b.conf"], "a=b.conf"),
        (["-n"], None),
        (["-c"], None),
    ],
)
def test_the_option_in_all_its_spellings(arguments: list[str], expected: str | None) -> None:
    assert supervisord_location.configuration_option(arguments) == expected


def test_one_that_was_started_as_a_module(machine: Machine) -> None:
    configuration = machine.file("my.conf")
    client = machine.file("venv/bin/supervisorctl")
    python = str(machine.file("venv/bin/python"))
    machine.process(10, 1, python, "-u", "-m", "supervisor.supervisord", "-c", str(configuration))
    machine.process(20, 10, "celery")
    found = supervisord_location.ancestor(20, str(machine.proc))
    assert found is not None
    assert (found.pid, found.configuration) == (10, str(configuration))
    assert supervisord_location.client_beside(found) == str(client)


def test_its_interpreter_is_looked_for_on_its_own_path(machine: Machine) -> None:
    client = machine.file("venv/bin/supervisorctl")
    machine.file("venv/bin/python3.9")
    machine.process(10, 1, "python3.9", "-m", "supervisor.supervisord")
    (machine.proc / "10/environ").write_bytes(b"PATH=/nowhere:%s\0" % str(machine.site / "venv/bin").encode())
    (found,) = supervisord_location.running(str(machine.proc))
    assert supervisord_location.client_beside(found) == str(client)


def test_what_only_names_it_is_none(machine: Machine) -> None:
    machine.process(10, 1, "tini", "--", "supervisord", "-n")
    machine.process(11, 10, "/usr/bin/python3", "/usr/bin/supervisord", "-n")
    machine.process(12, 1, "less", "/etc/supervisord")
    machine.process(13, 1, "grep", "-m", "supervisor.supervisord")
    machine.process(14, 1, "supervisord")
    assert [daemon.pid for daemon in supervisord_location.running(str(machine.proc))] == [11, 14]
