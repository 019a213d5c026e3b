# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every host answered to an ad hoc command, from what ansible(1) prints. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_ANSWER = re.compile(r"^(\S+) \| ([A-Z]+)!? => (\{.*?^\})", re.MULTILINE | re.DOTALL)


class Answer(NamedTuple):
    """``word``: SUCCESS, CHANGED, FAILED or UNREACHABLE; ``result`` of the module."""

    word: str
    result: dict[str, Any]


def answers(printed: str) -> dict[str, Answer]:
    """Host -> answer."""
    return {host: Answer(word, json.loads(body)) for host, word, body in _ANSWER.findall(printed)}


def words(printed: str) -> dict[str, str]:
    """Host -> word."""
    return {host: answer.word for host, answer in answers(printed).items()}
