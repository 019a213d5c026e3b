# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules gathered, read from the results that a play registered on its hosts.

Only a result of this very run counts. Facts in a cache are of another moment: their pids may be other processes by now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, get_type_hints

from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.common import SourceError
from ansible_collections.closewait.remediation.plugins.plugin_utils._facts.host import HostFacts
from ansible_collections.closewait.remediation.plugins.plugin_utils._shapes import ShapeError, conform

OUTPUT_SHOWN = 200
#: The shape of each subset: what :class:`HostFacts` says.
SHAPES: dict[str, Any] = get_type_hints(HostFacts)


class Gathered(NamedTuple):
    """One host. ``facts`` None: nothing at all is known, and ``errors`` says why. ``at``: UTC, ISO 8601."""

    facts: HostFacts | None
    errors: list[SourceError]
    at: str | None = None
    boot_id: str | None = None


def nothing(source: str, reason: str) -> Gathered:
    """A host that was not looked at."""
    return Gathered(None, [{"source": source, "reason": reason}])


def from_result(result: object, name: str) -> Gathered:
    """Read the registered result of ``incident_facts``; ``name`` is the variable's."""
    if not isinstance(result, Mapping):
        return nothing(name, "no result was registered on this host: it was not reached, or the task did not run there")
    reason = _why_failed(result)
    if reason is not None:
        return nothing(name, reason)
    facts = result.get("ansible_facts")
    closewait = facts.get("closewait") if isinstance(facts, Mapping) else None
    if not isinstance(closewait, Mapping):
        return nothing(name, "the result has no ansible_facts.closewait")
    return from_facts(closewait)


def from_facts(closewait: Mapping[str, Any]) -> Gathered:
    """Read ``ansible_facts.closewait``. A subset that does not have the documented shape is an error and left out."""
    facts: dict[str, Any] = {}
    errors: list[SourceError] = []
    for subset, shape in SHAPES.items():
        if closewait.get(subset) is None:
            continue
        try:
            facts[subset] = conform(closewait[subset], shape)
        except ShapeError as fault:
            errors.append({"source": f"{subset} facts", "reason": f"not as documented: {fault}"})
    checked: HostFacts = conform(facts, HostFacts)
    return Gathered(checked, errors, _text(closewait.get("gathered_at")), _text(closewait.get("boot_id")))


def _why_failed(result: Mapping[str, Any]) -> str | None:
    for flag, text in (("unreachable", "the host was not reached"), ("failed", "gathering failed")):
        if result.get(flag):
            return f"{text}: {result.get('msg') or 'no reason given'}{_said(result)}"
    return "gathering was skipped" if result.get("skipped") else None


def _said(result: Mapping[str, Any]) -> str:
    """What a module that did not even start left on its output: there the reason is, not in the message."""
    for stream in ("module_stderr", "module_stdout"):
        lines = [line.strip() for line in str(result.get(stream) or "").splitlines() if line.strip()]
        if lines:
            return f" ({lines[0][:OUTPUT_SHOWN]})"
    return ""


def _text(value: object) -> str | None:
    return None if value is None else str(value)
