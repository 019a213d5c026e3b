# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of the inventory an event names. Pure.

Whoever can post an event decides what is in it. So nothing of it is ever a pattern, a template or part of a path: a
text either is the name of a host in the inventory, but for a port behind it, or it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from ansible_collections.closewait.remediation.plugins.plugin_utils._text import CUT, clean

#: The label with which an alert asks for a look. Others may come with it in one message.
ASKING = ("closewait", "diagnose")
MOST_NAMES = 200
SHOWN_LENGTH = 80
_WITH_PORT = re.compile(r"(?P<name>.+):[0-9]{1,5}")


class Refusal(NamedTuple):
    """What was named, made fit to be shown, and why nothing is done about it."""

    name: str
    reason: str


class Named(NamedTuple):
    """Inventory names, each once, in the order of the event."""

    hosts: list[str]
    refused: list[Refusal]


class _Mention(NamedTuple):
    """One place of the event that names a host, or the reason why it does not."""

    text: object
    reason: str | None = None


def named(event: object, inventory: Collection[str], label: str) -> Named:
    """The hosts of an event as ansible-rulebook hands it on. ``label``: that of an alert with the host's name."""
    hosts: dict[str, None] = {}
    refused: list[Refusal] = []
    for number, mention in enumerate(_mentions(event, label)):
        name = _inventory_name(mention.text, inventory)
        if number >= MOST_NAMES:
            refused.append(Refusal("the rest", f"only the first {MOST_NAMES} names of an event are looked at"))
            break
        if mention.reason is None and name is not None:
            hosts[name] = None
        else:
            refused.append(Refusal(_shown(mention.text), mention.reason or "no host of the inventory has this name"))
    return Named(list(hosts), refused)


def _mentions(event: object, label: str) -> Iterator[_Mention]:
    """Of a message of Alertmanager, else of ``{"host": NAME}`` or ``{"hosts": [NAME, …]}``."""
    payload = event.get("payload") if isinstance(event, Mapping) else None
    if not isinstance(payload, Mapping):
        yield _Mention("", "the event has no payload that is an object")
    elif "alerts" in payload:
        yield from (_of_alert(alert, label) for alert in _listed(payload["alerts"]))
    elif "hosts" in payload:
        yield from map(_Mention, _listed(payload["hosts"]))
    elif "host" in payload:
        yield _Mention(payload["host"])
    else:
        yield _Mention("", "the event names no host")


def _of_alert(alert: object, label: str) -> _Mention:
    labels = alert.get("labels") if isinstance(alert, Mapping) else None
    if not isinstance(alert, Mapping) or not isinstance(labels, Mapping):
        return _Mention("", "an alert without labels")
    name, (key, value) = labels.get(label, ""), ASKING
    if alert.get("status") != "firing":
        return _Mention(name, "the alert is not firing")
    if labels.get(key) != value:
        return _Mention(name, f"the alert has no label {key}={value}")
    return _Mention(name)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _inventory_name(text: object, inventory: Collection[str]) -> str | None:
    """The name as the inventory writes it, never as the event does."""
    if not isinstance(text, str):
        return None
    with_port = _WITH_PORT.fullmatch(text)
    candidates = [text]
    if with_port:
        candidates += [with_port["name"], with_port["name"].removeprefix("[").removesuffix("]")]
    return next((str(host) for host in inventory if host in candidates), None)


def _shown(text: object) -> str:
    shown = clean(text) if isinstance(text, str) else f"({type(text).__name__})"
    return shown if len(shown) <= SHOWN_LENGTH else shown[: SHOWN_LENGTH - 1] + CUT
