# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several subsets have in common."""

from __future__ import annotations

from typing import TypedDict


class SourceError(TypedDict):
    """A source that could not be read."""

    source: str
    reason: str


class Endpoint(TypedDict):
    """One end of a connection."""

    address: str
    port: int


class NamedProcess(TypedDict):
    """A process by pid and start time."""

    pid: int
    start_time: int
    name: str
