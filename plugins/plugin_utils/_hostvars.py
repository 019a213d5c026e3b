# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins read from ``hostvars``: registered results and the variables of each host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from ansible_collections.closewait.remediation.plugins.plugin_utils import _checks
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Check
from ansible_collections.closewait.remediation.plugins.plugin_utils._gathered import Gathered, from_result


class Names(NamedTuple):
    """Variable names: the registered facts, the host's Redis (inventory name), the checks, why it was left alone."""

    facts: str
    redis_host: str
    checks: str | None = None
    left_alone: str | None = None


class Inventory(NamedTuple):
    """All hosts, as far as their variables tell."""

    gathered: dict[str, Gathered]
    redis_hosts: dict[str, str]
    checks: dict[str, list[Check]]
    left_alone: dict[str, str]


class HostVars(Protocol):
    """What is used of Ansible's ``hostvars``."""

    def __contains__(self, host: object, /) -> bool: ...

    def __getitem__(self, host: str, /) -> Mapping[str, Any]: ...

    def raw_get(self, host: str, /) -> Mapping[str, Any]:
        """All variables of a host, not templated."""


def read(hosts: Iterable[str], hostvars: HostVars, names: Names) -> Inventory:
    """Read the variables of every host once: looking one up assembles all variables of that host."""
    found = Inventory({}, {}, {}, {})
    for host in hosts:
        # For a host that is not in the inventory hostvars has an undefined value, no KeyError.
        raw = hostvars.raw_get(host) if host in hostvars else {}
        found.gathered[host] = from_result(_value(names.facts, host, raw, hostvars), names.facts)
        redis_host = _value(names.redis_host, host, raw, hostvars)
        if redis_host:
            found.redis_hosts[host] = str(redis_host)
        checks = _checks.from_result(_value(names.checks, host, raw, hostvars))
        if checks:
            found.checks[host] = checks
        left_alone = _value(names.left_alone, host, raw, hostvars)
        if left_alone:
            found.left_alone[host] = str(left_alone)
    return found


def _value(name: str | None, host: str, raw: Mapping[str, Any], hostvars: HostVars) -> Any:
    """A variable. Only text can be a template, and templating whole results takes longer than all the rest."""
    value = raw.get(name) if name else None
    return hostvars[host][name] if name and isinstance(value, str) else value
