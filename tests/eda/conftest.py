# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts: on worker1 a client spins on a half-closed connection, the others are one calm host by several names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from readme.hosts import HOWEVER_LITTLE_CPU, host, spinning_client

SPINNING = "worker1"
CALM = ("worker2", "worker3", "worker4")


@pytest.fixture(scope="session")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An inventory of them."""
    place = tmp_path_factory.mktemp("hosts")
    with host(SPINNING, place) as spinning, host("calm", place) as calm, spinning_client(spinning, place):
        pythons = {SPINNING: spinning.python, **dict.fromkeys(CALM, calm.python)}
        variables = {
            name: {
                "ansible_connection": "local",
                "ansible_python_interpreter": str(python),
                "closewait_thresholds": HOWEVER_LITTLE_CPU,
            }
            for name, python in pythons.items()
        }
        path = place / "inventory.json"
        path.write_text(json.dumps({"all": {"hosts": variables}}))
        yield path
