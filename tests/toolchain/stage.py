# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stage of the test run is, and what came of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DEFAULT_TIMEOUT_S = 600
SKIPPED = 77  # exit status, as automake and meson have it


class Outcome(Enum):
    """How a stage ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Stage:
    """One command whose exit status decides.

    ``group`` is a name under which several stages can be selected (``lint``, ``scenarios``).
    ``alone``: nothing may run beside it, because it measures or acts on the machine; what it leaves running fails it.
    ``own_processes``: it runs in a PID namespace, so that it sees no process of another stage, and what it leaves
    running fails it. Only root may make one; for anybody else it runs ``alone``.
    ``lock``: two stages with the same lock never run at the same time.
    ``shown``: its output is for the reader even when it passed.
    ``skip``: why this machine cannot run it; then ``argv`` is never started.
    ``may_skip``: only the command itself can tell whether this machine permits what it does; where not it ends with
    ``SKIPPED``, and the last line of its output is why.
    """

    name: str
    group: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    alone: bool = False
    own_processes: bool = False
    lock: str | None = None
    shown: bool = False
    timeout_s: int = DEFAULT_TIMEOUT_S
    skip: str | None = None
    may_skip: bool = False


@dataclass(frozen=True)
class Result:
    """What came of a stage: outcome, why in one line (empty when passed), seconds, and the log (None without one)."""

    stage: Stage
    outcome: Outcome
    reason: str
    seconds: float
    log: Path | None
