# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twisted backends that spin in the error path of their own log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenario_kit.supervised import Supervised
from scenario_kit.twisted_backend import (
    PLAIN,
    TwistedBackend,
    small_disk,
    supervised_backend,
    twisted_backend,
)

FULL_PORT = 17810
VANISHED_PORT = 17811
SUPERVISED_PORT = 17812


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter that has Twisted."""
    return os.environ["CLOSEWAIT_SERVICE_PYTHON"]


@pytest.fixture(scope="session")
def looking() -> dict[str, Any]:
    """Variables with which a spinning process is seen on a machine that is busy with much else."""
    return {"closewait_window": 6, "closewait_thresholds": {"spin_cpu_percent": 2}}


@pytest.fixture
def full(tmp_path: Path, python: str) -> Iterator[TwistedBackend]:
    """A backend that spins because the disk of its log, which it holds open, is full."""
    with (
        small_disk(tmp_path / "backend/log"),
        twisted_backend(tmp_path / "backend", python, FULL_PORT, PLAIN) as backend,
    ):
        backend.fill_disk()
        backend.request_until_it_spins()
        yield backend


@pytest.fixture
def vanished(tmp_path: Path, python: str) -> Iterator[TwistedBackend]:
    """A backend that spins because the folder of its log is gone."""
    with twisted_backend(tmp_path / "backend", python, VANISHED_PORT) as backend:
        backend.lose_log_folder()
        backend.request_until_it_spins()
        yield backend


@pytest.fixture
def supervised(tmp_path: Path, python: str) -> Iterator[tuple[TwistedBackend, Supervised]]:
    """The same under supervisord."""
    with supervised_backend(tmp_path / "backend", python, SUPERVISED_PORT) as (backend, supervisor):
        backend.lose_log_folder()
        backend.request_until_it_spins()
        yield backend, supervisor
