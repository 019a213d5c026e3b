# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the action plugins ``diagnosis`` and ``verdict`` share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils import _hostvars
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds, from_mapping

ARGUMENTS: dict[str, dict[str, Any]] = {
    "register_name": {"type": "str", "default": "closewait_gathered"},
    "hosts": {"type": "list", "elements": "str"},
    "output_dir": {"type": "path", "default": "./closewait-report"},
    "redis_host_variable": {"type": "str", "default": "closewait_redis_host"},
    "thresholds": {"type": "dict", "default": {}},
}


class Options(NamedTuple):
    """``hosts`` in the order of the report; ``folder`` is absolute."""

    hosts: list[str]
    inventory: _hostvars.Inventory
    folder: Path
    thresholds: Thresholds


def resolve(arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> Options:
    """From validated arguments and the task's variables. Raises ValueError for a bad threshold."""
    names = _hostvars.Names(
        arguments["register_name"],
        arguments["redis_host_variable"],
        arguments.get("checks_register_name"),
        arguments.get("left_alone_variable"),
    )
    # Of all hosts of the play, also of those that failed or could not be reached, something must be said.
    hosts = [str(host) for host in arguments["hosts"] or variables["ansible_play_hosts_all"]]
    return Options(
        hosts,
        _hostvars.read(hosts, variables["hostvars"], names),
        Path(arguments["output_dir"]).absolute(),
        from_mapping(arguments["thresholds"]),
    )
