# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scenario's ``run`` does: check the machine, build the environments, run pytest in namespaces of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .environments import cache_directory, ensure_environment
from .interpreters import newest_interpreter

SCENARIOS = Path(__file__).resolve().parents[1]
REPOSITORY = SCENARIOS.parents[1]
_KEEP_BYTECODE = SCENARIOS.parent / "toolchain" / "zip_bytecode.py"
_SERVICE_PYTHON = ((3, 11), (3, 14))
_CONTROL_PYTHON = ((3, 11), (3, 15))


def _missing(packages: Mapping[str, str]) -> list[str]:
    lines = [f"{command} is missing; Debian has it in the package {package}" for command, package in packages.items()]
    return [line for command, line in zip(packages, lines, strict=True) if shutil.which(command) is None]


def _refuse_when_unfit(packages: Mapping[str, str]) -> None:
    problems = _missing(packages)
    if os.geteuid() != 0:
        problems.append("a scenario needs root: namespaces of its own, other processes' descriptors, gdb")
    if problems:
        raise SystemExit("This scenario cannot run here:\n  " + "\n  ".join(problems))


def _service_python(scenario: Path, cache: Path) -> Path:
    interpreter = newest_interpreter(*_SERVICE_PYTHON)
    return ensure_environment(scenario.name, scenario / "requirements.txt", interpreter, cache)


def _control_python(cache: Path) -> Path:
    interpreter = newest_interpreter(*_CONTROL_PYTHON)
    control = ensure_environment("control", SCENARIOS / "requirements-control.txt", interpreter, cache)
    # Its interpreter also runs the modules, some hundred times.
    subprocess.run([control, str(_KEEP_BYTECODE)], check=True)
    return control


def _environment(control: Path, service: Path) -> dict[str, str]:
    # The control environment comes first on PATH, so that Ansible is found there and discovers its interpreter.
    return {
        **os.environ,
        "PATH": f"{control.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(SCENARIOS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CLOSEWAIT_SERVICE_PYTHON": str(service),
    }


def launch(scenario: Path, packages: Mapping[str, str]) -> None:
    """Replace this process by pytest on ``scenario``, in new network and PID namespaces.

    The namespaces keep the host's other processes out of the diagnosis and out of reach of the remedies, and the end
    of their first process ends everything the scenario started. ``packages`` maps a needed command to its package.
    """
    _refuse_when_unfit({"unshare": "util-linux", **packages})
    cache = cache_directory(REPOSITORY)
    control = _control_python(cache)
    environment = _environment(control, _service_python(scenario, cache))
    isolate = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "--"]
    tests = [str(control), "-m", "pytest", "-p", "no:cacheprovider", str(scenario), *sys.argv[1:]]
    os.execvpe(isolate[0], [*isolate, str(control), "-m", "scenario_kit.init_process", *tests], environment)  # noqa: S606 - no shell is wanted
