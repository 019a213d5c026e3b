# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins read from ``hostvars``: registered results and the variables of each host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils import _checks
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Check
from ansible_collections.closewait.remediation.plugins.plugin_utils._gathered import Gathered, from_result


class Names(NamedTuple):
    """Variable names: the registered facts, the host's Redis (inventory name), the registered checks."""

    facts: str
    redis_host: str
    checks: str | None = None


class Inventory(NamedTuple):
    """All hosts, as far as their variables tell."""

    gathered: dict[str, Gathered]
    redis_hosts: dict[str, str]
    checks: dict[str, list[Check]]


def read(hosts: Iterable[str], hostvars: Mapping[str, Any], names: Names) -> Inventory:
    """Read the variables of every host once: looking one up assembles all variables of that host."""
    found = Inventory({}, {}, {})
    for host in hosts:
        values = _variables(host, hostvars)
        found.gathered[host] = from_result(values.get(names.facts), names.facts)
        redis_host = values.get(names.redis_host)
        if redis_host:
            found.redis_hosts[host] = str(redis_host)
        checks = _checks.from_result(values.get(names.checks)) if names.checks else []
        if checks:
            found.checks[host] = checks
    return found


def _variables(host: str, hostvars: Mapping[str, Any]) -> Mapping[str, Any]:
    # For a host that is not in the inventory hostvars has an undefined value, no KeyError: get() is of no use.
    if host not in hostvars:
        return {}
    values: Mapping[str, Any] = hostvars[host]
    return values
