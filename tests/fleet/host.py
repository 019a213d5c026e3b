# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of a fleet."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scenario_kit import living

from . import network
from .command import run

#: What Ansible runs modules with on a booted host.
PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Host:
    """``root`` has its files, ``init`` is its first process as seen from here."""

    name: str
    number: int
    root: Path
    init: int

    @property
    def address(self) -> str:
        """On the bridge."""
        return network.address(self.number)

    def entering(self, *argv: str | Path) -> list[str]:
        """The argv that runs ``argv`` in there, as root."""
        return ["nsenter", "--target", str(self.init), "--all", "--", *(str(word) for word in argv)]

    def run(self, *argv: str | Path) -> str:
        """What a command in there prints; it has to succeed."""
        return run(self.entering(*argv))

    def succeeds(self, *argv: str | Path) -> bool:
        """Whether a command in there does."""
        return subprocess.run(self.entering(*argv), capture_output=True, timeout=60, check=False).returncode == 0

    def write(self, path: str, text: str) -> None:
        """Put a file there that everybody may read."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o644)

    def seen_from_here(self, pid: int) -> int:
        """The number here of its process with that number over there (proc_pid_status(5), NSpid)."""
        space = os.stat(f"/proc/{self.init}/ns/pid").st_ino
        for here in living.pids():
            with suppress(FileNotFoundError, ProcessLookupError):
                if os.stat(f"/proc/{here}/ns/pid").st_ino == space and _innermost(here) == pid:
                    return here
        raise ProcessLookupError(f"{self.name} has no process {pid}")

    def unplug(self) -> None:
        """Pull its cable: nobody reaches it, and it reaches nobody."""
        network.switch(self.number, "down")

    def plug(self) -> None:
        """Put the cable in again."""
        network.switch(self.number, "up")

    def break_python(self) -> None:
        """An upgrade of it was broken off in the middle: SSH works, and every module of Ansible fails.

        A part of its library is missing. Were it the interpreter, Ansible might find the pipe broken into which it
        writes the module, and take that for a host that it cannot reach.
        """
        [part] = self.root.glob("usr/lib/python3.*/zipfile.py")
        part.unlink()


def _innermost(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("NSpid:")).split()[-1])
