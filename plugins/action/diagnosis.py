# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a play's hosts in, ``diagnosis.json`` and ``plan.json`` out; see the documentation of the module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.closewait.remediation.plugins.plugin_utils import (
    _report_files,
    _report_options,
    _reviewed_plan,
    _table,
)
from ansible_collections.closewait.remediation.plugins.plugin_utils._diagnosis import diagnose
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import FORBIDDABLE, RISKS, Plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._plan import plan

ARGUMENTS = {
    **_report_options.ARGUMENTS,
    "allow": {"type": "str", "choices": list(RISKS), "default": "config"},
    "forbid": {"type": "list", "elements": "str", "choices": list(FORBIDDABLE), "default": []},
    "reviewed_plan": {"type": "path"},
}


class ActionModule(ActionBase):
    """Runs on the controller only, and in check mode as well: a report changes no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Diagnose, plan, write, print."""
        _validated, arguments = ActionBase.validate_argument_spec(self, argument_spec=ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            options = _report_options.resolve(arguments, task_vars or {})
            diagnosis = diagnose(options.inventory.gathered, options.inventory.redis_hosts, options.thresholds)
            steps = _permitted(plan(diagnosis, arguments["allow"], arguments["forbid"]), arguments["reviewed_plan"])
            paths = {
                "diagnosis": _report_files.write(options.folder, _report_files.DIAGNOSIS, diagnosis),
                "plan": _report_files.write(options.folder, _report_files.PLAN, steps),
            }
        except (OSError, ValueError) as fault:
            raise AnsibleActionFail(f"no diagnosis was written: {fault}") from fault
        table = _table.of_diagnosis(diagnosis, steps)
        Display().display(f"{table}\n\n{_table.of_report(options.folder, paths)}")
        result.update(changed=False, diagnosis=diagnosis, plan=steps, paths=paths, table=table)
        return result


def _permitted(today: Plan, reviewed: str | None) -> Plan:
    """Read before anything is written: the reviewed plan may lie where this one goes."""
    if reviewed is None:
        return today
    path = Path(reviewed).absolute()
    return _reviewed_plan.restricted(today, _report_files.read(path.parent, path.name, Plan))
