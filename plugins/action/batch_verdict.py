# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the next batch may follow; see the documentation of the module."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.closewait.remediation.plugins.plugin_utils import _batch, _report_files, _report_options
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Diagnosis, Plan
from ansible_collections.closewait.remediation.plugins.plugin_utils._verdict import judge

ARGUMENTS = {
    **_report_options.ARGUMENTS,
    "checks_register_name": {"type": "str", "default": "closewait_checks"},
    "stages": {"type": "list", "elements": "str", "choices": ["cause", "symptom", "restart"], "required": True},
}


class ActionModule(ActionBase):
    """Runs on the controller only, and in check mode as well: it changes no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Compare the hosts of the batch with what was diagnosed, and write nothing: the verdict comes last."""
        _validated, arguments = ActionBase.validate_argument_spec(self, argument_spec=ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            hosts = arguments["hosts"] or variables["ansible_play_batch"]
            options = _report_options.resolve({**arguments, "hosts": hosts}, variables)
            failures = _failures(options, arguments["stages"])
        except (OSError, ValueError) as fault:
            raise AnsibleActionFail(f"the batch could not be judged: {fault}") from fault
        result.update(changed=False, failures=failures)
        return result


def _failures(options: _report_options.Options, stages: list[Any]) -> dict[str, str]:
    before: Diagnosis = _report_files.read(options.folder, _report_files.DIAGNOSIS, Diagnosis)
    plan: Plan = _report_files.read(options.folder, _report_files.PLAN, Plan)
    mine = {host: seen for host, seen in before["hosts"].items() if host in options.hosts}
    inventory = options.inventory
    result = judge(
        {**before, "hosts": mine},
        inventory.gathered,
        plan,
        inventory.checks,
        inventory.redis_hosts,
        options.thresholds,
    )
    dark = {
        host: "; ".join(error["reason"] for error in seen.errors)
        for host, seen in inventory.gathered.items()
        if seen.facts is None
    }
    return _batch.failures(result, plan, dark, stages)
