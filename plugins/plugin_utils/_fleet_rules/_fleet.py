# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every fleet rule gets and gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds


class FleetScene(NamedTuple):
    """All hosts of the run. ``facts``: of those that gave some; ``findings``: what the rules found on each of these.

    ``dark``: hosts that gave no facts, which no comparison can speak about.
    """

    facts: Mapping[str, HostFacts]
    findings: Mapping[str, list[Finding]]
    dark: list[str]
    thresholds: Thresholds


class FleetRule(Protocol):
    """A module of this package: one finding.

    It compares or groups hosts; what is to be done is in the findings of the hosts themselves. So it has no remedy but
    advice, and no answer *unknown*: a host that could not be compared is named in ``unknowns`` of what was found.
    """

    ID: str

    def evaluate(self, scene: FleetScene) -> list[Finding]:
        """Findings with this ID; pure, and no more work than so much per host."""
