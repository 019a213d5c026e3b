# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides on the controller which hosts of an event are looked at; see the documentation of the module."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.closewait.remediation.plugins.plugin_utils._events import admission, looks_file, named_hosts
from ansible_collections.closewait.remediation.plugins.plugin_utils._shapes import plain

ARGUMENTS: dict[str, dict[str, Any]] = {
    "label": {"type": "str", "default": "instance"},
    "cool_down": {"type": "float", "default": 1800.0},
    "per_hour": {"type": "int", "default": 12},
    "state_file": {"type": "path", "default": "~/.local/state/closewait/events.json"},
}


class ActionModule(ActionBase):
    """Reads the event as it came.

    It is an extra variable, and Ansible evaluates what looks like a template in one, as soon as it is named in a
    playbook. So it is named in none, and taken from the variables here, where nothing is evaluated.
    """

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Decide and, but for check mode, remember."""
        _validated, arguments = ActionBase.validate_argument_spec(self, argument_spec=ARGUMENTS)
        result: dict[str, Any] = super().run(tmp, task_vars)
        limits = admission.Limits(arguments["cool_down"], arguments["per_hour"])
        if limits.cool_down_s < 0 or limits.per_hour < 0:
            raise AnsibleActionFail("cool_down and per_hour must not be negative: nothing was decided")
        variables = task_vars or {}
        inventory = [str(host) for host in variables["groups"]["all"]]
        named = named_hosts.named(_event(variables), inventory, arguments["label"])
        decided = self._decide(named.hosts, Path(arguments["state_file"]).expanduser().absolute(), limits)
        refused = [refusal._asdict() for refusal in (*named.refused, *decided.refused)]
        return {**result, "changed": bool(decided.admitted), "hosts": decided.admitted, "refused": refused}

    def _decide(self, hosts: list[str], path: Path, limits: admission.Limits) -> admission.Admission:
        """Remembered before anything is done: a look that fails counts as well."""
        try:
            with looks_file.locked(path):
                decided = admission.admit(hosts, looks_file.read(path), time.time(), limits)
                if decided.admitted and not self._task.check_mode:
                    looks_file.write(path, decided.looks)
        except (OSError, ValueError) as fault:
            raise AnsibleActionFail(f"nothing is done about the event: {fault}") from fault
        return decided


def _event(variables: Mapping[str, Any]) -> Any:
    """The event of ansible-rulebook, without Ansible's marks on it."""
    given = plain(variables.get("ansible_eda"))
    return given.get("event") if isinstance(given, dict) else None
