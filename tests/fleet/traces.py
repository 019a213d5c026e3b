# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a fleet could leave behind, to compare before and after."""

from __future__ import annotations

import tempfile
from pathlib import Path

from scenario_kit import living

from . import control_groups, layers, network, watch_limit

Traces = dict[str, list[str]]


def added(before: Traces, now: Traces) -> Traces:
    """What is there now and was not before; kinds without anything are not there."""
    new = {kind: sorted(set(found) - set(before[kind])) for kind, found in now.items()}
    return {kind: found for kind, found in new.items() if found}


def traces() -> Traces:
    """What there is now, by kind."""
    mounts = [" ".join(line.split()[:3]) for line in Path("/proc/self/mounts").read_text().splitlines()]
    return {
        "processes": sorted(f"{pid} {' '.join(living.words(pid))[:80]}" for pid in living.pids()),
        "mounts": mounts,
        "links": network.links(),
        "network namespaces": sorted(path.name for path in Path("/run/netns").glob("*")),
        "control groups": [str(path) for path in control_groups.left()],
        "folders": sorted(str(path) for path in Path(tempfile.gettempdir()).glob(f"{layers.PREFIX}*")),
        "watch limit": [watch_limit.LIMIT.read_text().strip()],
    }
