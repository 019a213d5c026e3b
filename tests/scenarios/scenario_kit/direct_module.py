# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module of the collection run without a controller: it decides and does the same, in half a second.

The playbooks' way through Ansible is what the Celery scenarios and the integration targets take.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_COLLECTIONS = Path(__file__).resolve().parents[3] / "playbooks/collections"
_MODULES = "ansible_collections.closewait.remediation.plugins.modules"
_LONGEST_S = 120
#: See the options of ansible.module_utils.basic.AnsibleModule.
_CHECK = {"_ansible_check_mode": True}


def _argv(name: str, arguments: Mapping[str, Any], scratch: Path) -> list[str]:
    scratch.mkdir(parents=True, exist_ok=True)
    given = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_tmpdir": str(scratch)}})
    return [sys.executable, "-P", "-m", f"{_MODULES}.{name}", given]


def run_module(name: str, arguments: Mapping[str, Any], scratch: Path, wrapper: Sequence[str] = ()) -> dict[str, Any]:
    """Run it as we are; its result. ``wrapper``: argv put in front, such as one that takes a capability away."""
    run = subprocess.run(
        [*wrapper, *_argv(name, arguments, scratch)],
        env={**os.environ, "PYTHONPATH": str(_COLLECTIONS), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    try:
        result: dict[str, Any] = json.loads(run.stdout)
    except ValueError as exc:
        raise AssertionError(f"{name} gave no result:\n{run.stdout}{run.stderr}") from exc
    return result


def check_module(name: str, arguments: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """What it says that it would do."""
    return run_module(name, {**arguments, **_CHECK}, scratch)


def own_journal(folder: Path) -> dict[str, str]:
    """The option of ``fd_close`` that keeps its journal off the machine's own."""
    return {"journal": str(folder / "journal/fd_close.jsonl")}
