# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed task of Ansible saw: its result begins with the command, and ends with what matters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Of a result, most telling last.
_TELLING = ("assertion", "msg", "stdout", "stderr")
_CHARACTERS = 1200


def named(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a log; one that says that a task failed is the task's name and what it saw instead."""
    task = ""
    for line in lines:
        if line.startswith("TASK ["):
            task = line.partition("[")[2].rpartition("]")[0]
        yield _seen(line, task) if line.startswith("fatal: [") else line


def _seen(line: str, task: str) -> str:
    head, _arrow, text = line.partition(" => ")
    try:
        result = json.loads(text)
    except ValueError:
        return line
    told = [_told(result, key) for key in _TELLING if result.get(key)]
    return f"{head} in {task!r}: {', '.join(told)}" if told else line


def _told(result: dict[str, Any], key: str) -> str:
    """Return the end of what the result says: of a traceback it names the error."""
    return f"{key}: {' | '.join(str(result[key]).splitlines())[-_CHARACTERS:]}"
