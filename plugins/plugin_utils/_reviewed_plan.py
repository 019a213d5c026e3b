# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that somebody has reviewed, held against the plan of today. Pure.

What was reviewed is a permission, never an order. Of it only that is done which a look at the hosts just now asks for
again, word for word: a process that ended since, or a socket whose number is another by now, is in no plan of today.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import (
    Action,
    NotHealed,
    Plan,
    StaleAction,
    Target,
)

NOT_REVIEWED = "{action} is not in the reviewed plan, or not allowed there"
NOBODY_ASKS = "no finding of today asks for it: it is done, or the process, the setting or the socket is another by now"
SOME_GONE = "{gone} of {count} sockets are not to be closed any more: closed, or the number is another socket by now"


def restricted(today: Plan, reviewed: Plan) -> Plan:
    """Today's plan with only that allowed which the reviewed one allows too, and what of that one is stale."""
    permitted = {_key(action): action for action in reviewed["actions"] if action["allowed"]}
    actions = [_permitted(action, permitted.get(_key(action))) for action in today["actions"]]
    pairs = list(zip(today["actions"], actions, strict=True))
    return {
        **today,
        "actions": actions,
        "not_healed": [*today["not_healed"], *(entry for pair in pairs for entry in _withheld(*pair))],
        "stale": list(_stale(permitted, {_key(action): action for action in today["actions"]})),
    }


def _key(action: Action) -> Hashable:
    """What makes two actions the same. The sockets of a closing are looked at one by one."""
    values = {name: value for name, value in action["vars"].items() if name != "targets"}
    elsewhere = action["hosts"] if action["stage"] == "symptom" else []
    return action["action"], action["where"], tuple(elsewhere), json.dumps(values, sort_keys=True)


def _permitted(action: Action, reviewed: Action | None) -> Action:
    if reviewed is None:
        return {**action, "allowed": False}
    if "targets" not in action["vars"]:
        return action
    agreed = set(map(_target, reviewed["vars"].get("targets", [])))
    targets = [target for target in action["vars"]["targets"] if _target(target) in agreed]
    return {**action, "vars": {**action["vars"], "targets": targets}, "allowed": action["allowed"] and bool(targets)}


def _target(target: Target) -> Hashable:
    return target["pid"], target["start_time"], target["fd"], target["inode"], target["ghost"]


def _withheld(today: Action, restricted_action: Action) -> Iterator[NotHealed]:
    """What would be done today and was not reviewed."""
    if not today["allowed"] or restricted_action["allowed"]:
        return
    reason = NOT_REVIEWED.format(action=today["action"])
    for host in today["hosts"]:
        for finding in today["findings"]:
            yield {"host": host, "finding": finding, "pid": None, "reason": reason}


def _stale(permitted: dict[Hashable, Action], today: dict[Hashable, Action]) -> Iterator[StaleAction]:
    for key, action in permitted.items():
        reason = NOBODY_ASKS if key not in today else _gone(action, today[key])
        if reason:
            yield {"id": action["id"], "action": action["action"], "where": action["where"], "reason": reason}


def _gone(reviewed: Action, today: Action) -> str:
    targets = reviewed["vars"].get("targets", [])
    there = set(_targets(today["vars"].get("targets", [])))
    gone = sum(key not in there for key in _targets(targets))
    return SOME_GONE.format(gone=gone, count=len(targets)) if gone else ""


def _targets(targets: Iterable[Target]) -> list[Hashable]:
    return [_target(target) for target in targets]
