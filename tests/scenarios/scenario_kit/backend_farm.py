# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many backends that keep their connections, on loopback addresses of their own."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .processes import started
from .waiting import wait_for

_PROGRAM = Path(__file__).with_name("backend_farm_program.py")


@dataclass(frozen=True)
class Farm:
    """Running backends, all on one port."""

    port: int
    addresses: list[str]

    def answered(self) -> int:
        """Answers given so far, by all of them."""
        with urllib.request.urlopen(f"http://{self.addresses[0]}:{self.port}/answered", timeout=60) as answer:
            return int(answer.read())


@contextmanager
def backend_farm(folder: Path, port: int, network: str, number: int) -> Iterator[Farm]:
    """That many backends, on ``network``.1, ``network``.2, and so on ("127.0.30")."""
    addresses = [f"{network}.{last}" for last in range(1, number + 1)]
    with started([sys.executable, _PROGRAM, str(port), *addresses], folder / f"farm-{network}.log") as program:
        wait_for(lambda: "ready" in program.tail() or not program.running(), 60, f"the backends of {network}")
        assert program.running(), program.tail()
        yield Farm(port, addresses)
