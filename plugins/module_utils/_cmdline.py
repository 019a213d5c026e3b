# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines fit to be shown: bounded, and without the secrets that programs take as arguments.

Better one word too many hidden than one password shown.
"""

from __future__ import annotations

import os
import re
from typing import Match, Sequence

ARGUMENT_CHARS = 200
ARGUMENT_READ = 2000
ARGUMENTS = 32
HIDDEN = "********"

_NAMED_LIKE_ONE = r"[\w.-]*(?:pass|pwd|secret|token|auth|credential|api-?_?key)[\w.-]*"
_URL_LOGIN = re.compile(r"(?<=://)\S*(?=@)")
_ASSIGNED = re.compile(r"(?i)(?<![\w.-])(%s[\"']?\s*[=:]\s*[\"']?)([^\s&\"',}]+)" % _NAMED_LIKE_ONE)
_SCHEME = re.compile(r"(?i)\b(bearer|basic|token|digest)(\s+)\S+")
_FOLLOWED = re.compile(r"(?i)((?:^|\s)--?%s\s+)(\S+)" % _NAMED_LIKE_ONE)
#: As in ``requirepass SECRET`` or ``proxy_set_header X-Auth-Token SECRET;``.
_SETTING = re.compile(r"(?i)((?:^|\s)%s[ \t]+)([^\s=:*;]+)" % _NAMED_LIKE_ONE)
#: Settings of nginx that are named alike and hold an address.
_ADDRESSES = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass")
_OPTION = re.compile(r"(?i)^--?%s$" % _NAMED_LIKE_ONE)

#: Short options that take a secret, per program: as the next word, or written to the letter.
_NEXT_WORD = {"redis-cli": ("-a",), "valkey-cli": ("-a",), "redis-benchmark": ("-a",), "curl": ("-u", "--user")}
_GLUED = re.compile(r"^-p(.+)$")
_GLUES = ("mysql", "mariadb")


def shown(arguments: Sequence[str]) -> list[str]:
    """The arguments with URL logins and whatever is named like a secret replaced; cuts are stated."""
    program = os.path.basename(arguments[0]) if arguments else ""
    result: list[str] = []
    hide = False
    for argument in arguments[:ARGUMENTS]:
        result.append(HIDDEN if hide else _cut(_clean(program, argument)))
        hide = bool(_OPTION.match(argument)) or argument in _NEXT_WORD.get(program, ())
    if len(arguments) > ARGUMENTS:
        result.append("… (%d more)" % (len(arguments) - ARGUMENTS))
    return result


def hidden(line: str) -> str:
    """A line of a log or a configuration with the same replaced, and ``name value`` pairs of settings; not cut."""
    pieces = [line[start : start + ARGUMENT_READ] for start in range(0, len(line), ARGUMENT_READ)]
    return "".join(_SETTING.sub(_setting, _clean("", piece)) for piece in pieces)


def _setting(match: Match[str]) -> str:
    name, value = match.group(1), match.group(2)
    return name + (value if name.strip().lower() in _ADDRESSES else HIDDEN)


def _clean(program: str, argument: str) -> str:
    if program.startswith(_GLUES) and _GLUED.match(argument):
        return "-p" + HIDDEN
    # The patterns look at every position of every word: a file's content given inline must not cost seconds.
    argument = _SCHEME.sub(r"\1\2" + HIDDEN, _URL_LOGIN.sub(HIDDEN, argument[:ARGUMENT_READ]))
    return _FOLLOWED.sub(r"\1" + HIDDEN, _ASSIGNED.sub(r"\1" + HIDDEN, argument))


def _cut(argument: str) -> str:
    return argument if len(argument) <= ARGUMENT_CHARS else argument[: ARGUMENT_CHARS - 1] + "…"
