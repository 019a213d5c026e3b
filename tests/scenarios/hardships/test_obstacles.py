# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs and machines that do not let it be done: a reason, an alternative, and nothing touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scenario_kit.frozen import freezer, frozen, is_frozen
from scenario_kit.hardship import PORT, Hardship, Victims
from scenario_kit.kernel_scheduling import process_state
from scenario_kit.kernel_sockets import socket_inodes
from scenario_kit.meddler import tracer_of
from scenario_kit.processes import started
from scenario_kit.waiting import wait_for

_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
_WITHOUT_PTRACE_CALL = Path(__file__).parents[1] / "scenario_kit/without_ptrace.py"
_WITHOUT_PTRACE = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "--"]
_WITHOUT_ANY = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--"]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("strace", ["strace", "-f", "-o", "/dev/null", "-p"]),
        ("gdb", ["gdb", "-nx", "-q", "-batch", "-ex", "continue", "-p"]),
    ],
)
def test_somebody_traces_it_already(victim: Hardship, tmp_path: Path, name: str, command: list[str]) -> None:
    pid = victim.spinner.pid
    with started([*command, str(pid)], tmp_path / f"{name}.log") as tracer:
        wait_for(lambda: tracer_of(pid) == tracer.pid and process_state(pid) in {"R", "S"}, 20, f"{name} to trace it")
        victim.check_refused(victim.predict(), f"process {tracer.pid} traces it already")
        victim.check_refused(victim.close(force_runtime=True), f"process {tracer.pid} traces it already")
        assert tracer_of(pid) == tracer.pid
        tracer.process.send_signal(signal.SIGINT)
        wait_for(lambda: not tracer_of(pid), 20, f"{name} to let it go")
    os.kill(pid, signal.SIGCONT)
    assert victim.close()["outcome"] == "replaced"
    victim.check_cured()


@pytest.mark.parametrize(("version", "state"), [(1, "D"), (2, "S")])
def test_it_is_frozen_as_a_paused_container_is(victim: Hardship, version: int, state: str) -> None:
    by = freezer(version)
    if by is None:
        pytest.skip(f"this machine has no control group of version {version} that can freeze")
    with frozen(victim.spinner.pid, by):
        assert process_state(victim.spinner.pid) == state
        row = victim.close(timeout=2)
        assert row["outcome"] == "refused", row
        assert row["reason"]
        assert row["alternative"]
        assert is_frozen(by), "somebody has thawed it"
        assert not tracer_of(victim.spinner.pid)
    victim.check_runs_on()
    assert victim.close()["outcome"] == "replaced"
    victim.check_cured()


@pytest.mark.parametrize("wrapper", [_WITHOUT_PTRACE, _WITHOUT_ANY], ids=["sys_ptrace", "all"])
def test_root_without_the_capability(victim: Hardship, wrapper: list[str]) -> None:
    """As in a container that runs the playbook: root by name, and the kernel says no."""
    has = subprocess.run([*wrapper, "grep", "CapEff", "/proc/self/status"], capture_output=True, text=True, check=True)
    assert not int(has.stdout.split()[1], 16) & (1 << 19), "CAP_SYS_PTRACE is still there"
    victim.check_refused(victim.close(wrapper), "CAP_SYS_PTRACE")
    victim.check_runs_on()
    assert victim.close()["outcome"] == "replaced"
    victim.check_cured()


@pytest.mark.parametrize("scope", [None, "1", "2"])
def test_the_kernel_says_no_to_the_attach(victim: Hardship, scope: str | None) -> None:
    """EPERM for real, by a filter as container runtimes set one: what Yama answers. The reason names its setting."""
    wrapper = [sys.executable, str(_WITHOUT_PTRACE_CALL)]
    if scope is not None:
        wrapper = [*_shown(scope), *wrapper]
    row = victim.close(wrapper)
    named = "" if scope is None else rf".*kernel\.yama\.ptrace_scope = {scope}"
    victim.check_refused(row, f"Operation not permitted.*CAP_SYS_PTRACE.*seccomp{named}")
    assert ("yama" in row["reason"]) is (scope is not None or _YAMA.exists())
    victim.check_runs_on()
    assert victim.close()["outcome"] == "replaced"
    victim.check_cured()


def _shown(scope: str) -> list[str]:
    """For a command that is to read it, and nobody else, in the place where Yama tells its setting."""
    show = (
        'mount -t tmpfs none /proc/sys/kernel && mkdir /proc/sys/kernel/yama && echo "$1" > "$0" && shift && exec "$@"'
    )
    return ["unshare", "--mount", "sh", "-c", show, str(_YAMA), scope]


@pytest.mark.parametrize("scope", ["1", "2"])
def test_yama_that_lets_root_do_it(victim: Hardship, scope: str) -> None:
    if not _YAMA.exists():
        pytest.skip("*** NOT TRIED: the kernel here has no Yama, so kernel.yama.ptrace_scope cannot be set ***")
    before = _YAMA.read_text()
    if before.strip() == "3":
        pytest.skip("*** NOT TRIED: kernel.yama.ptrace_scope is 3 here, which holds until the next boot ***")
    try:
        _YAMA.write_text(scope)
        assert victim.close()["outcome"] == "replaced"
    finally:
        _YAMA.write_text(before)
    victim.check_cured()


def test_yama_that_lets_nobody_do_it(victim: Hardship) -> None:
    """Only what is read of it: a real 3 would hold until the machine is booted again, so a file says it here."""
    row = victim.close(_shown("3"))
    victim.check_refused(row, r"ptrace_scope = 3")
    victim.check_runs_on()


def test_the_number_is_another_socket_by_now(victim: Hardship) -> None:
    """Reused between the diagnosis and the stop: the healthy connection is not touched."""
    old = victim.spinner.target()
    victim.spinner.use()
    assert victim.spinner.use() == "used"
    new = socket_inodes(victim.spinner.pid)[old["fd"]]
    assert new != old["inode"], "the number was not reused"
    row = victim.close_target(old, force_runtime=True, force_unwatched=True, allow_unread=True)
    assert row["outcome"] == "changed", row
    assert socket_inodes(victim.spinner.pid)[old["fd"]] == new
    assert victim.spinner.use() == "used"
    victim.check_runs_on()


def test_a_name_that_is_a_command(victims: Victims, tmp_path: Path) -> None:
    """What the target is called, and where it lies, reaches no shell and no command line of gdb."""
    folder = tmp_path / "$(touch canary) `touch canary` ; quit"
    folder.mkdir()
    program = folder / "p\n-exec-run\n$(touch canary)"
    source = Path(__file__).parents[1] / "scenario_kit/spinners/c_loop.c"
    subprocess.run(["gcc", "-O1", "-o", program, source], check=True)
    with victims.start_command([program, str(PORT), str(victims.upstream.port)]) as victim:
        victim.spinner.half_close_until_it_spins()
        assert victim.close(force_runtime=True)["outcome"] == "replaced"
        victim.check_cured()
    assert not list(tmp_path.rglob("canary"))
