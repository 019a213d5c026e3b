# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands behind the Makefile: ``python3 -m toolchain COMMAND``, started in ``tests/``."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from typing import TYPE_CHECKING

from . import catalogue, cores, interpreters, prepare, runner
from .layout import ROOT, cache_dir, log_dir
from .stage import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from .stage import Stage


def main() -> int:
    parser = ArgumentParser(prog="toolchain", description=__doc__)
    parser.add_argument("command", choices=["test", "list", "demo", "bench"])
    parser.add_argument("stages", nargs="*", help="names or groups of stages, shell wildcards allowed; default: all")
    arguments = parser.parse_args()
    if arguments.command == "list":
        print("\n".join(catalogue.describe(catalogue.everything())))
        return 0
    if arguments.command == "test":
        return test(arguments.stages)
    return {"demo": demo, "bench": bench}[arguments.command]()


def test(patterns: Sequence[str]) -> int:
    """Run the selected stages, or all; return 0 when none failed."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        stages = catalogue.select(catalogue.everything(), patterns or ["*"])
    except catalogue.UnknownStageError as error:
        print(error, file=sys.stderr)
        return 2
    _introduce(stages)
    started = time.monotonic()
    with _only_run():
        (log_dir() / "summary").unlink(missing_ok=True)
        results = runner.run_all(stages)
    print(f"\n{time.monotonic() - started:.0f} s; logs: {log_dir()}")
    if named := runner.failures(results):
        print(named)
    line = runner.summary(results)
    (log_dir() / "summary").write_text(line + "\n")
    print(line, flush=True)
    return int(any(result.outcome is Outcome.FAILED for result in results))


@contextlib.contextmanager
def _only_run() -> Iterator[None]:
    """Wait while another run uses the same cache."""
    with (cache_dir() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another run uses this cache, waiting for its end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _introduce(stages: Sequence[Stage]) -> None:
    """Say what will run, and loudly what this machine lacks."""
    print(f"{len(stages)} stages, cache: {cache_dir()}")
    for core in cores.CORES:
        control = cores.control_for(core)
        where = f"on {control.path}" if control else f"*** LEFT OUT: {cores.missing_reason(core)} ***"
        print(f"  ansible-core {core.name} {where}")
    for version in (core.target for core in cores.CORES if core.target):
        found = interpreters.find(version)
        where = f"on {found.path}" if found else "*** LEFT OUT: not on this machine ***"
        print(f"  modules on Python {interpreters.text(version)} {where}")
    print(flush=True)


def demo() -> int:
    """Run the demonstration playbook on this machine."""
    playbook = ROOT / "playbooks" / "demo.yml"
    ansible = catalogue.environment().get("CLOSEWAIT_ANSIBLE_BIN", "")
    interpreter = f"ansible_python_interpreter={ansible}/python"  # ansible would take a shim that does not start
    where = ["-i", "localhost,", "-c", "local", "-e", interpreter]
    return _run_prepared(playbook, [f"{ansible}/ansible-playbook", *where, str(playbook)])


def bench() -> int:
    """Run the benchmark."""
    run = ROOT / "tests" / "benchmark" / "run"
    return _run_prepared(run, [str(run)])


def _run_prepared(needed: Path, argv: list[str]) -> int:
    """Set up what is missing, then run the command; return its exit status, or another when it cannot be run."""
    if not needed.exists():
        print(f"{needed.relative_to(ROOT)} is not in this checkout, so there is nothing to run", file=sys.stderr)
        return 2
    for part in prepare.PARTS.values():
        if reason := part():
            print(reason, file=sys.stderr)
            return 1
    return subprocess.run(argv, cwd=ROOT, env={**os.environ, **catalogue.environment()}, check=False).returncode


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit(130) from None
