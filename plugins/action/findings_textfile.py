# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and translates the diagnosis on the controller, writes on the host; see the documentation of the module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.closewait.remediation.plugins.plugin_utils import _exposition, _report_files
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Diagnosis

ARGUMENTS: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "output_dir": {"type": "path", "default": "./closewait-report"},
}


class ActionModule(ActionBase):
    """The age of the file is the age of the diagnosis: an old one does not become young by being exported."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read, translate, write."""
        _validated, arguments = ActionBase.validate_argument_spec(self, argument_spec=ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        folder = Path(arguments["output_dir"]).absolute()
        try:
            diagnosis = _report_files.read(folder, _report_files.DIAGNOSIS, Diagnosis)
            made_at = (folder / _report_files.DIAGNOSIS).stat().st_mtime
        except (OSError, ValueError) as fault:
            raise AnsibleActionFail(f"nothing was exported: {fault}") from fault
        written = self._execute_module(
            module_name="closewait.remediation.textfile_write",
            module_args={"path": arguments["path"], "content": _exposition.of_diagnosis(diagnosis, made_at)},
            task_vars=task_vars,
        )
        return {**result, **written}
