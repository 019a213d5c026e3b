# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``decide.py HOSTS``: diagnosis, plan and table of so many hosts, one of twenty with a finding. Prints what it took.

``{"ms": CPU time, "bytes": resident set at most}``; the facts are there before the clock starts, as Ansible has them.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from ansible_collections.closewait.remediation.plugins.plugin_utils import _gathered, _table
from ansible_collections.closewait.remediation.plugins.plugin_utils._diagnosis import diagnose
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils.test_fleet_rules import host

SICK = 20


def main() -> None:
    """Build, then decide."""
    facts = [make.worker() if number % SICK == 0 else host(150 + number % 60) for number in range(int(sys.argv[1]))]
    results = {f"node-{number:05}": make.registered(each) for number, each in enumerate(facts)}
    began = time.process_time()
    gathered = {name: _gathered.from_result(result, "closewait_gathered") for name, result in results.items()}
    diagnosis = diagnose(gathered, {}, Thresholds())
    table = _table.of_diagnosis(diagnosis, plan(diagnosis, "invasive"))
    took = time.process_time() - began
    sick = sum(1 for seen in diagnosis["hosts"].values() if seen["verdict"] == "findings")
    if sick != -(-len(facts) // SICK) or not table:
        raise SystemExit(f"{sick} of {len(facts)} hosts have findings: that is not what was to be measured")
    print(json.dumps({"ms": 1000 * took, "bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    main()
