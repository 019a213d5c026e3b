# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines fit to be shown: bounded, and without the secrets that programs take as arguments."""

from __future__ import annotations

import re
from typing import Sequence

ARGUMENT_CHARS = 200
ARGUMENTS = 32
HIDDEN = "********"

_USERINFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_SECRET_VALUE = re.compile(r"(?i)^(-{0,2}[\w.-]*(?:passw(?:or)?d|passwd|secret|token|api-?key|requirepass)[\w.-]*[=:])(.+)$")
_SECRET_NAME = re.compile(r"(?i)^-{1,2}[\w.-]*(?:password|passwd|secret|token|api-?key|requirepass)$")


def shown(arguments: Sequence[str]) -> list[str]:
    """The arguments with URL credentials and values of password-like options replaced, long ones cut."""
    result: list[str] = []
    hide = False
    for argument in arguments[:ARGUMENTS]:
        result.append(HIDDEN if hide else _clean(argument))
        hide = bool(_SECRET_NAME.match(argument))
    return result


def _clean(argument: str) -> str:
    clean = _SECRET_VALUE.sub(r"\1" + HIDDEN, _USERINFO.sub(HIDDEN, argument))
    return clean if len(clean) <= ARGUMENT_CHARS else clean[: ARGUMENT_CHARS - 1] + "…"
