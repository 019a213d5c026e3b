# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ours, in plain Python: what the module ``fd_close`` does with its arguments.

Standard input: ``{"targets": [...], "max_stop_ms": ...}``. Standard output: ``{"results": [...], "stops": [...]}``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile

from ansible_collections.closewait.remediation.plugins.module_utils import _journal
from ansible_collections.closewait.remediation.plugins.module_utils._fd import closing as fd_closing
from ansible_collections.closewait.remediation.plugins.module_utils._fd import decision as fd_decision
from ansible_collections.closewait.remediation.plugins.module_utils._fd import journal as fd_journal
from ansible_collections.closewait.remediation.plugins.module_utils._fd import observation as fd_observation
from ansible_collections.closewait.remediation.plugins.module_utils._fd import targets as fd_targets
from ansible_collections.closewait.remediation.plugins.module_utils._fd.order import Order


def main() -> None:
    given = json.load(sys.stdin)
    targets = fd_targets.parse(given["targets"])
    options = fd_decision.Options(
        fd_decision.CLOSE,
        allow_unread=False,
        force_unwatched=False,
        force_runtime=False,
        min_age=0.0,
        force_close=True,
    )
    with tempfile.TemporaryDirectory() as empty, fd_observation.Observer(targets) as observer:
        order = Order(options, shutil.which("gdb") or "gdb", empty, given["max_stop_ms"], timeout=10.0)
        logbook = fd_journal.Logbook(_journal.Journal(os.path.join(empty, "journal.jsonl")))
        report = fd_closing.run(observer, targets, order, logbook)
    print(json.dumps(report._asdict()))


if __name__ == "__main__":
    main()
