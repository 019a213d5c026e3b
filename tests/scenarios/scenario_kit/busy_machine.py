# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the playbooks are told to look on a machine that is busy with much else, where one that spins gets little CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Only for tests in which something spins: less CPU is taken for a spin, and it is looked at for longer. Whether it
#: polls or computes is told as in the default look, which is too short to see 2 s of CPU time.
PATIENT_LOOK: Mapping[str, Any] = {
    "closewait_window": 4,
    "closewait_thresholds": {"spin_cpu_percent": 2, "spin_cpu_seconds": 5},
}
