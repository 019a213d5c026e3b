# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules asked about made-up hosts: facts pass the same border as those of a play."""

from __future__ import annotations

from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils import _gathered, _rules
from ansible_collections.closewait.remediation.plugins.plugin_utils._diagnosis import diagnose
from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Diagnosis, Finding
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules import _peers
from ansible_collections.closewait.remediation.plugins.plugin_utils._rules._scene import Outcome, Scene
from ansible_collections.closewait.remediation.plugins.plugin_utils._thresholds import Thresholds
from ansible_collections.closewait.remediation.tests.unit.plugins.plugin_utils import facts_builder as make

DEFAULTS = Thresholds()


def scene(facts: make.Fact, others: dict[str, make.Fact] | None = None, **changed: Any) -> Scene:
    """The host with these facts, beside hosts with others (the usual Redis server when not said)."""
    fleet = {make.HOST: facts, **({make.REDIS_HOST: make.server()} if others is None else others)}
    checked = {host: _gathered.from_facts(values).facts or {} for host, values in fleet.items()}
    index = _peers.fleet(checked, [])
    lookup = _peers.lookup(index, make.HOST, changed.pop("redis_host", None))
    places = _peers.places(index, make.HOST)
    return Scene(make.HOST, checked[make.HOST], lookup, Thresholds(**changed), checked, places)


def ask(rule_id: str, facts: make.Fact, others: dict[str, make.Fact] | None = None, **changed: Any) -> Outcome:
    """What one rule says about the host."""
    [rule] = [rule for rule in _rules.discover() if rule_id == rule.ID]
    return rule.evaluate(scene(facts, others, **changed))


def only(outcome: Outcome) -> Finding:
    """The one finding of an outcome that has nothing unknown."""
    assert outcome.unknowns == []
    assert len(outcome.findings) == 1
    return outcome.findings[0]


def diagnosed(results: dict[str, Any], redis_hosts: dict[str, str] | None = None) -> Diagnosis:
    """The diagnosis of hosts with these registered results."""
    gathered = {host: _gathered.from_result(result, "seen") for host, result in results.items()}
    return diagnose(gathered, redis_hosts or {}, DEFAULTS)


def incident(**changed: Any) -> dict[str, Any]:
    """Registered results of a spinning worker and its Redis."""
    return {make.HOST: make.registered(make.worker(**changed)), make.REDIS_HOST: make.registered(make.server())}
