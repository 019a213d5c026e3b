# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twisted backends that spin in the error path of their own log, and such as are only busy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_kit.twisted_backend import PLAIN, TwistedBackend, small_disk, twisted_backend

FULL_PORT = 17810


@pytest.fixture
def python() -> str:
    """The interpreter that has Twisted."""
    return os.environ["CLOSEWAIT_SERVICE_PYTHON"]


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
