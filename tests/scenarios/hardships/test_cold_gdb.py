# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gdb runs as root on a process that is not trusted: nothing of the target's is run, read or asked for."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.hardship import PORT, Hardship, Victims
from scenario_kit.planted import CANARIES, Debuginfod, Planted, debuginfod, plant

_OPENED = re.compile(r'^(?:open|openat|execve|connect)\([^"]*"([^"]*)"', re.MULTILINE)


@pytest.fixture
def tree(tmp_path: Path) -> Planted:
    return plant(tmp_path)


@pytest.fixture
def server() -> Iterator[Debuginfod]:
    with debuginfod() as site:
        yield site


@pytest.fixture
def environment(tree: Planted, server: Debuginfod) -> dict[str, str]:
    """What the target lives with, and here its operator too."""
    return {"HOME": str(tree.folder), "XDG_CONFIG_HOME": f"{tree.folder}/.config", "DEBUGINFOD_URLS": server.url}


@pytest.fixture
def victim(victims: Victims, tree: Planted, environment: dict[str, str]) -> Iterator[Hardship]:
    hostile = {**environment, "PATH": f"{tree.folder}:{os.environ['PATH']}"}
    program = [str(tree.program), str(PORT), str(victims.upstream.port)]
    with victims.start_command(["env", "-C", str(tree.folder), *assignments(hostile), *program]) as started:
        started.spinner.half_close_until_it_spins()
        yield started


def assignments(environment: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]


def test_control_a_plain_gdb_runs_all_of_it(
    victim: Hardship, tree: Planted, server: Debuginfod, environment: dict[str, str]
) -> None:
    """An operator who trusts too much; without this the test below would prove nothing."""
    trust = ["set auto-load safe-path /", "set debuginfod enabled on", f"set libthread-db-search-path {tree.folder}"]
    options = [word for setting in trust for word in ("-iex", setting)]
    argv = ["gdb", "-q", "-batch", *options, "-p", str(victim.spinner.pid)]
    subprocess.run(
        argv, cwd=tree.folder, env={**os.environ, **environment}, check=False, capture_output=True, timeout=120
    )
    path = f"{tree.folder}:{os.environ['PATH']}"
    subprocess.run(["env", f"PATH={path}", "gdb", "--version"], cwd=tree.folder, check=False)
    assert tree.ran() == set(CANARIES)
    assert server.asked
    victim.check_runs_on()


def test_nothing_of_it_is_run(victim: Hardship, tree: Planted, server: Debuginfod, environment: dict[str, str]) -> None:
    row = victim.close(["env", "-C", str(tree.folder), *assignments(environment)], force_runtime=True)
    assert row["outcome"] == "replaced", row
    assert tree.ran() == set()
    assert server.asked == []
    victim.check_cured()


def test_nothing_of_it_is_opened(
    victim: Hardship, tree: Planted, server: Debuginfod, environment: dict[str, str], tmp_path: Path
) -> None:
    log, wrapper = tmp_path / "strace.log", tmp_path / "watched-gdb"
    # Not -f: gdb has a child of its own that wants to be traced, which it cannot be by two.
    watch = f"strace -s 512 -e trace=open,openat,execve,connect -o {log}"
    wrapper.write_text(f'#!/bin/sh\nexec {watch} gdb "$@"\n')
    wrapper.chmod(0o755)
    at_home = ["env", "-C", str(tree.folder), *assignments(environment)]
    row = victim.close(at_home, force_runtime=True, gdb=str(wrapper))
    assert row["outcome"] == "replaced", row
    opened = _OPENED.findall(log.read_text(errors="replace"))
    assert f"/proc/{victim.spinner.pid}/status" in opened, "strace has not seen gdb attach"
    # Below the empty folder that is gdb's sysroot it may look for what is not there.
    real = [path for path in opened if not path.startswith(("/proc/", str(victim.folder / "scratch")))]
    assert [path for path in real if str(tree.folder) in path or path.startswith("/usr/lib/debug")] == []
    assert [path for path in real if not path.startswith("/")] == []
    assert (tree.ran(), server.asked) == (set(), [])
    victim.check_cured()
