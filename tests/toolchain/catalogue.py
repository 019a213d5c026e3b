# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stages there are: found by looking, so that a new scenario or integration target needs no line here."""

from __future__ import annotations

import fnmatch
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from . import cores, interpreters, venvs
from .layout import ROOT, TESTS, cache_dir
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from .cores import Core
    from .interpreters import Version

NOX_LINT = (
    "formatters",
    "codeqa",
    "typing",
    "ansible-lint",
    "shellcheck",
    "changelog",
    "docs-check",
    "license-check",
    "extra-checks",
    "antsibull-nox-config",
)
NOX_BUILD = ("install", "galaxy-importer")
LONG_TIMEOUT_S = 900
INTEGRATION_TIMEOUT_S = 5000  # 2,300 to 2,700 s were seen on a slow machine
FLEET_TIMEOUT_S = 1800  # what twenty hosts do is done by one machine


class UnknownStageError(Exception):
    """A selection names no stage; the text lists what there is."""


def everything() -> list[Stage]:
    """Return all stages in the order in which they should start.

    The integration stages and the scenarios come early: both take their turns one by one, and both take longest.
    """
    parts = (_setup, _lint, _build, _pytest, _integration, _scenarios, _others, _per_core)
    return [stage for part in parts for stage in part()]


def select(stages: Sequence[Stage], patterns: Iterable[str]) -> list[Stage]:
    """Return the stages whose name or group matches one of the patterns (shell wildcards), and what sets them up."""
    chosen: set[str] = set()
    for pattern in patterns:
        names = {stage.name for stage in stages if _matches(stage, pattern)}
        if not names:
            raise UnknownStageError(f"no stage or group {pattern!r}; there are:\n" + "\n".join(describe(stages)))
        chosen |= names
    return [stage for stage in stages if stage.name in chosen or stage.group == "setup"]


def _matches(stage: Stage, pattern: str) -> bool:
    return fnmatch.fnmatch(stage.name, pattern) or fnmatch.fnmatch(stage.group, pattern)


def describe(stages: Iterable[Stage]) -> Iterator[str]:
    """Return a line per stage: its group and its name."""
    return (f"  {stage.group:<12} {stage.name}" for stage in stages)


def _own(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"toolchain.{module}", *arguments]


def environment() -> dict[str, str]:
    """Return what scenarios, `make demo` and `make bench` find in their environment."""
    env = {
        "CLOSEWAIT_CACHE": str(cache_dir()),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections"),
        "PATH": interpreters.path_with_all(),
    }
    if newest := cores.newest_here():
        env["CLOSEWAIT_ANSIBLE_BIN"] = str(venvs.location("control", newest[1]))
    return env


def _setup() -> Iterator[Stage]:
    for part in ("packages", "environments"):
        argv = _own("prepare", part)
        yield Stage(f"setup/{part}", "setup", argv, cwd=TESTS, alone=True, shown=True, timeout_s=LONG_TIMEOUT_S)


def _nox(session: str, group: str) -> Stage:
    return Stage(session, group, _own("nox_session", session), cwd=TESTS)


def _lint() -> Iterator[Stage]:
    return (_nox(session, "lint") for session in NOX_LINT)


def _build() -> Iterator[Stage]:
    return (_nox(session, "build") for session in NOX_BUILD)


def _pytest() -> Iterator[Stage]:
    """Yield the quick run of the unit tests: one Python, no copy of the tree. Some of them start and stop processes."""
    env = environment()
    if "CLOSEWAIT_ANSIBLE_BIN" in env:
        argv = [f"{env['CLOSEWAIT_ANSIBLE_BIN']}/python", "-m", "pytest", "-q"]
        yield Stage("pytest", "unit", argv, own_processes=True)


def _per_core() -> Iterator[Stage]:
    """Yield sanity and units of each core, in turns, so that one of each kind runs beside the other."""
    for core in cores.CORES:
        yield _ansible_test("sanity", core, lock="sanity")  # they share environments below ~/.ansible/test/venv
        if any((ROOT / "tests/unit/plugins").rglob("test_*.py")):
            yield from _units(core)


def _units(core: Core) -> Iterator[Stage]:
    for python in core.units:
        yield _on_python(_ansible_test("units", core, f"-py{interpreters.text(python)}"), python)


def _on_python(stage: Stage, python: Version) -> Stage:
    """Return the stage, skipped when this machine lacks the Python that it names."""
    if stage.skip or interpreters.find(python):
        return stage
    return replace(stage, skip=f"no Python {interpreters.text(python)} here to run the modules on")


def _ansible_test(kind: str, core: Core, suffix: str = "", *, lock: str | None = None) -> Stage:
    name = f"{kind}-{core.name}{suffix}"
    control = cores.control_for(core)
    argv = _own("nox_session", name, interpreters.text(control.version)) if control else []
    skip = None if control else cores.missing_reason(core)
    return Stage(name, kind, argv, cwd=TESTS, lock=lock, skip=skip, timeout_s=LONG_TIMEOUT_S)


def _integration() -> Iterator[Stage]:
    """Yield the integration targets on each core, its modules on its target Python, else on its own."""
    if not any((ROOT / "tests/integration/targets").glob("*/aliases")):
        return
    for core in cores.CORES:
        if core.target is None:
            yield _integration_stage(core)
            continue
        stage = _on_python(_integration_stage(core, f"-py{interpreters.text(core.target)}"), core.target)
        yield stage
        if stage.skip and cores.control_for(core):
            yield _integration_stage(core)


def _integration_stage(core: Core, suffix: str = "") -> Stage:
    # The targets listen on ports of their own choice, the same in each of these stages.
    stage = _ansible_test("integration", core, suffix, lock="integration")
    return replace(stage, own_processes=True, timeout_s=INTEGRATION_TIMEOUT_S)


def _scenarios() -> Iterator[Stage]:
    for run in sorted((ROOT / "tests/scenarios").glob("*/run.py")):
        yield _script(f"scenarios/{run.parent.name}", "scenarios", run)


def _others() -> Iterator[Stage]:
    for name in ("readme", "awx", "eda", "chaos", "fleet"):
        run = ROOT / "tests" / name / "run.py"
        if run.exists():
            yield _script(name, name, run)


def _script(name: str, group: str, run: Path) -> Stage:
    # One at a time: each loads a core, and an integration stage, which mostly waits, has the other one.
    stage = Stage(name, group, [sys.executable, str(run)], env=environment(), lock="services", timeout_s=LONG_TIMEOUT_S)
    stage = replace(stage, own_processes=True, may_skip=name in ("eda", "fleet"))
    return replace(stage, timeout_s=FLEET_TIMEOUT_S) if name == "fleet" else stage
