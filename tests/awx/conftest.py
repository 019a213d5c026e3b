# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkout as AWX has it, and six hosts: on one of them a client spins on a half-closed connection."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from readme.hosts import REPOSITORY, host, spinning_client

SPINNING = "worker1"
#: One host by several names.
CALM = ("worker2", "worker3", "worker4", "worker5", "worker6")


def checkout(folder: Path) -> Path:
    """What git knows, links included, as `git clone` leaves it, but for the tests, which no job reads."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout
    known = (name for name in listed.decode().split("\0") if name and not name.startswith("tests/"))
    names = [name for name in known if (REPOSITORY / name).exists()]
    folder.mkdir()
    packed = subprocess.run(["tar", "-c", "--", *names], cwd=REPOSITORY, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=folder, input=packed, check=True)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout for one job, as AWX makes a copy for each."""
    return checkout(tmp_path / "checkout")


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Mapping[str, Any]]]:
    """Variables of each host."""
    place = tmp_path_factory.mktemp("hosts")
    with host(SPINNING, place) as spinning, host("calm", place) as calm, spinning_client(spinning, place):
        pythons = {SPINNING: spinning.python, **dict.fromkeys(CALM, calm.python)}
        yield {
            name: {"ansible_connection": "local", "ansible_python_interpreter": str(python)}
            for name, python in pythons.items()
        }
