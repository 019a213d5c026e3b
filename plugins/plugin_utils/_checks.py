# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that show whether a service works, read from the result that a play registered for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.closewait.remediation.plugins.plugin_utils._documents import Check

STDERR_SHOWN = 200


def from_result(result: object) -> list[Check]:
    """One entry per command, for a task with or without a loop; nothing for a task that was skipped."""
    if not isinstance(result, Mapping):
        return []
    rows = result.get("results", [result])
    return [_check(row) for row in rows if isinstance(row, Mapping) and not row.get("skipped")]


def _check(row: Mapping[str, Any]) -> Check:
    ok = row.get("rc") == 0 and not row.get("failed") and not row.get("unreachable")
    return {"argv": _argv(row), "ok": ok, "reason": "" if ok else _reason(row)}


def _argv(row: Mapping[str, Any]) -> list[str]:
    command = row.get("cmd") or row.get("item") or []
    return [str(command)] if isinstance(command, str) else [str(word) for word in command]


def _reason(row: Mapping[str, Any]) -> str:
    status = f"exit status {row['rc']}" if row.get("rc") is not None else str(row.get("msg") or "it did not run")
    stderr = str(row.get("stderr") or "").strip()[:STDERR_SHOWN]
    return f"{status}: {stderr}" if stderr else status
