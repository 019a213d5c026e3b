# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The defaults of every role are what its argument specification says, value by value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if (path / "tasks").is_dir())
TYPES = {name: name for name in ("str", "int", "float", "bool", "list", "dict")} | {"path": "str"}


def _load(*parts: str) -> Any:
    return yaml.safe_load(ROLES.joinpath(*parts).read_text()) or {}


def _options(role: str) -> dict[str, Any]:
    options: dict[str, Any] = _load(role, "meta", "argument_specs.yml")["argument_specs"]["main"].get("options", {})
    return options


def test_there_are_roles() -> None:
    assert "redis_timeout" in NAMES


@pytest.mark.parametrize("role", NAMES)
def test_defaults_and_specification_are_the_same(role: str) -> None:
    specified = {name: option.get("default") for name, option in _options(role).items() if not option.get("required")}
    path = ROLES / role / "defaults" / "main.yml"
    defaults = _load(role, "defaults", "main.yml") if path.exists() else {}
    assert defaults == specified
    assert {name: type(value) for name, value in defaults.items()} == {n: type(v) for n, v in specified.items()}


@pytest.mark.parametrize("role", NAMES)
def test_defaults_are_of_their_type(role: str) -> None:
    """Ansible never converts a default, so ``"5"`` for an int or ``1`` for a bool would reach the tasks as they are."""
    wrong = [
        name
        for name, option in _options(role).items()
        if option.get("default") is not None and type(option["default"]).__name__ != TYPES[option["type"]]
    ]
    assert wrong == []


@pytest.mark.parametrize("role", NAMES)
def test_variables_bear_the_name_of_the_role(role: str) -> None:
    assert [name for name in _options(role) if not name.startswith(role + "_")] == []


@pytest.mark.parametrize("role", NAMES)
def test_passwords_are_not_logged(role: str) -> None:
    secrets = {name: option for name, option in _options(role).items() if "password" in name or "secret" in name}
    assert [name for name, option in secrets.items() if option.get("no_log") is not True] == []
