# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name for this run; see the documentation of the module."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.closewait.remediation.plugins.plugin_utils import _report_files, _run_claim

ARGUMENTS = {"output_dir": {"type": "path", "default": "./closewait-report"}}


class ActionModule(ActionBase):
    """Runs on the controller only, and in check mode as well: it changes no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Claim the folder for the process that lives as long as the run does."""
        _validated, arguments = ActionBase.validate_argument_spec(self, argument_spec=ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            # A task runs in a child that ansible-playbook forks for it.
            mine = _run_claim.of_this(os.getppid())
            folder = Path(arguments["output_dir"]).absolute()
            claimed = _run_claim.claim(folder, mine)
            if not self._task.check_mode:
                # If this run is broken off, nobody shall take the verdict of an earlier one for its.
                (folder / _report_files.RESULT).unlink(missing_ok=True)
        except (OSError, ValueError) as fault:
            raise AnsibleActionFail(f"this run was not begun: {fault}") from fault
        result.update(changed=False, **claimed._asdict())
        return result
