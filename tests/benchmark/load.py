# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A namespace full of sockets, see ``programs/socket_load.py``."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESSES = 200
HALF_CLOSED = 0.05
PROGRAM = Path(__file__).parent / "programs" / "socket_load.py"


@contextmanager
def of(sockets: int) -> Iterator[None]:
    """That many sockets are there inside the ``with`` block."""
    argv = [sys.executable, str(PROGRAM), str(sockets), str(PROCESSES), str(HALF_CLOSED)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{sockets} sockets could not be made")
        yield
