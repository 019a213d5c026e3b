# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of a scenario did, written by the tasks themselves, and the gates some of them wait at."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TaskLedger:
    """A file with a line per event, ``started NAME`` or ``done NAME``, and a folder with a file per open gate."""

    path: Path
    gates: Path

    def write(self, event: str, name: str) -> None:
        """Add one line; one write in append mode, so that several processes may do it."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{event} {name}\n".encode())
        finally:
            os.close(descriptor)

    def count(self, event: str) -> Counter[str]:
        """How often each task had that event."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return Counter(line.split(" ", 1)[1] for line in lines if line.startswith(f"{event} "))

    def open_gate(self, name: str) -> None:
        """Let one task end, now or as soon as it comes to its gate."""
        self.gates.mkdir(exist_ok=True)
        (self.gates / name).touch()

    def is_open(self, name: str) -> bool:
        """Whether that task may end."""
        return (self.gates / name).exists()
