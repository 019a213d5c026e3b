# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of a run, kept in its report folder: a run that was broken off goes on under the same name.

Of two runs with the same folder at the same time one would overwrite the diagnosis that the other acts on, so the
second is refused as long as the first one's process lives.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import platform
import uuid
from pathlib import Path
from typing import Any, NamedTuple

NAME = "run.json"


class BusyError(ValueError):
    """Another run that is going on has this folder; the text names it."""


class Process(NamedTuple):
    """A process of the controller ``node``; ``start_time`` in clock ticks since boot, field 22 of /proc/PID/stat."""

    node: str
    pid: int
    start_time: int


class Claim(NamedTuple):
    """``run``: the name. ``resumed``: whether an earlier run that was broken off had it."""

    run: str
    who: str
    resumed: bool


def of_this(pid: int) -> Process:
    """The process with this pid here. Raises OSError when there is none."""
    return Process(platform.node(), pid, _started(pid))


def claim(folder: Path, mine: Process) -> Claim:
    """Take the folder for the run whose process is ``mine``. Raises OSError, BusyError, ValueError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        found = _read(stream.read(), folder / NAME)
        if found and Process(*found["process"]) != mine and _lives(Process(*found["process"])):
            raise BusyError(
                f"{folder} belongs to a run that is going on (pid {found['process'][1]}). Wait for its end, or give "
                "this one another closewait_output_dir"
            )
        # What happened on another controller is not known here: then only the lease on the host tells.
        kept = bool(found) and found["process"][0] == mine.node
        run = found["run"] if kept else uuid.uuid4().hex
        stream.seek(0)
        stream.truncate()
        json.dump({"run": run, "process": list(mine)}, stream)
    return Claim(run, f"{getpass.getuser()} on {mine.node}", kept and Process(*found["process"]) != mine)


def _read(text: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text) if text.strip() else {}
        return {"run": str(found["run"]), "process": Process(*found["process"])} if found else {}
    except (ValueError, TypeError, KeyError) as fault:
        raise ValueError(f"{path} is not what a run left there ({fault}): remove it") from fault


def _lives(process: Process) -> bool:
    try:
        return process.node == platform.node() and _started(process.pid) == process.start_time
    except OSError:
        return False


def _started(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19])
