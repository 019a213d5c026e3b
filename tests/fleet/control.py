# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible on the controller of a fleet, as somebody runs it who takes some hosts at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from scenario_kit.playbooks import Control

from .hosting import Fleet
from .inventory import Variables

_LONGEST_S = 600.0  # of one run, on a machine that others keep busy
_SETTINGS = {"ANSIBLE_FORKS": "4", "ANSIBLE_TIMEOUT": "5"}


def control(
    fleet: Fleet,
    directory: Path,
    groups: Mapping[str, Iterable[str]] | None = None,
    each: Mapping[str, Variables] | None = None,
    python: str = sys.executable,
) -> Control:
    """A controller of all hosts; what it keeps on them is theirs, and ends with them."""
    return Control(directory, fleet.inventory(groups, each), _SETTINGS, python, guests=True, longest_s=_LONGEST_S)
