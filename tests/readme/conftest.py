# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place like a reader's: a fresh checkout, the README's files in it, and the README's hosts behind them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from readme.hosts import copy_of_the_tree, host, spinning_client
from readme.place import Place, block_of, environment, readme_file


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A reader's checkout, nothing installed."""
    checkout = copy_of_the_tree(tmp_path / "checkout")
    for name in ("inventory.ini", "requirements.yml"):
        (checkout / name).write_text(readme_file(name))
    return Place(checkout, tmp_path / "collections", environment(tmp_path))


@pytest.fixture
def installed(place: Place) -> Place:
    """The same with the collection installed as the README says."""
    for command in block_of("Install").commands():
        place.run(command)
    return place


@pytest.fixture
def fleet(installed: Place, tmp_path: Path) -> Iterator[Place]:
    """The hosts of the README's inventory; on worker1 a client spins on a half-closed connection."""
    with host("worker1", tmp_path) as worker, host("redis1", tmp_path) as redis:
        for each in (worker, redis):
            _host_vars(installed.checkout, each.name, each.python, tmp_path / f"kept-{each.name}")
        with spinning_client(worker, tmp_path):
            yield installed


def _host_vars(checkout: Path, name: str, python: Path, kept: Path) -> None:
    """``kept``: for what a host keeps; they share the file system of this machine, and are not to share that."""
    values = {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(python),
        "closewait_scene_dir": str(kept / "scenes"),
        "closewait_lock_file": str(kept / "lock" / "run.lock"),
    }
    path = checkout / "host_vars" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values))
