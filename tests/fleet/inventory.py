# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a fleet. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Variables = Mapping[str, Any]


def text(hosts: Mapping[str, Variables], common: Variables, groups: Mapping[str, Iterable[str]]) -> str:
    """An inventory in INI: hosts with variables of their own, variables of all, groups with their hosts."""
    lines = [" ".join([name, *_settings(variables)]) for name, variables in hosts.items()]
    for group, members in groups.items():
        lines += ["", f"[{group}]", *members]
    return "\n".join([*lines, "", "[all:vars]", *_settings(common)]) + "\n"


def _settings(variables: Variables) -> list[str]:
    return [f"{name}={_literal(value)}" for name, value in variables.items()]


def _literal(value: Any) -> str:
    # What is a literal of Python is read as one, all else as text.
    return str(value) if isinstance(value, bool) else json.dumps(value)
