# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An earlier diagnosis and new facts in, ``result.json`` out; see the documentation of the module."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.closewait.remediation.plugins.plugin_utils import (
    _report_files,
    _report_options,
    _result_table,
    _table,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Diagnosis, Plan, Result
from ansible_collections.closewait.remediation.plugins.plugin_utils._verdict import judge, with_reasons

ARGUMENTS = {
    **_report_options.ARGUMENTS,
    "checks_register_name": {"type": "str", "default": "closewait_checks"},
    "left_alone_variable": {"type": "str", "default": "closewait_left_alone"},
}


class ActionModule(ActionBase):
    """Runs on the controller only, and in check mode as well: a report changes no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Compare, write, print."""
        _validated, arguments = ActionBase.validate_argument_spec(self, argument_spec=ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            options = _report_options.resolve(arguments, task_vars or {})
            verdict = _compare(options)
            paths = {"result": _report_files.write(options.folder, _report_files.RESULT, verdict)}
        except (OSError, ValueError) as fault:
            raise AnsibleActionFail(f"no verdict was written: {fault}") from fault
        table = _result_table.of_result(verdict)
        Display().display(f"{table}\n\n{_table.of_report(options.folder, paths)}")
        result.update(changed=False, healed=verdict["healed"], verdict=verdict, paths=paths, table=table)
        return result


def _compare(options: _report_options.Options) -> Result:
    """The earlier diagnosis and plan, read back from the report folder, against the hosts as they are now."""
    result = judge(
        _report_files.read(options.folder, _report_files.DIAGNOSIS, Diagnosis),
        options.inventory.gathered,
        _report_files.read(options.folder, _report_files.PLAN, Plan),
        options.inventory.checks,
        options.inventory.redis_hosts,
        options.thresholds,
    )
    return with_reasons(result, options.inventory.left_alone)
