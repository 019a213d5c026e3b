# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of connections, brought up once for all tests that look at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scenario_kit.backend_farm import backend_farm
from scenario_kit.dispatchers import Crew, Dispatchers, dispatchers

PORT = 17900
BACKENDS = 21


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs and reports."""
    return tmp_path_factory.mktemp("explosion")


@pytest.fixture(scope="module")
def explosion(folder: Path) -> Iterator[Dispatchers]:
    """The incident: a session per greenlet, 5,208 connections."""
    with (
        backend_farm(folder, PORT, "127.0.30", BACKENDS) as farm,
        dispatchers(folder, Crew("dispatch", "own", processes=8), farm) as crew,
    ):
        yield crew


@pytest.fixture(scope="module")
def healthy(folder: Path) -> Iterator[dict[str, Dispatchers]]:
    """What looks like it, side by side, each crew with backends of its own."""
    with ExitStack() as stack:
        crews = {}
        for number, (pool, backends) in enumerate({"burst": 7, "shared": BACKENDS, "block": BACKENDS}.items(), 31):
            farm = stack.enter_context(backend_farm(folder, PORT, f"127.0.{number}", backends))
            crews[pool] = stack.enter_context(dispatchers(folder, Crew(pool, pool), farm))
        yield crews
