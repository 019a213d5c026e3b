# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option files of MariaDB and MySQL, as text.

Format: https://mariadb.com/docs/server/server-management/install-and-upgrade-mariadb/configuring-mariadb/configuring-mariadb-with-option-files
and https://dev.mysql.com/doc/refman/8.4/en/option-files.html
"""

from __future__ import annotations

import re
from typing import Iterable, NamedTuple, Optional

_GROUP = re.compile(r"^\s*\[([^\]]*)\]")
_INCLUDE = re.compile(r"^\s*!\s*(include|includedir)\s+(\S.*?)\s*$")
_OPTION = re.compile(r"^\s*([A-Za-z][\w-]*)\s*(?:=\s*(.*?)\s*)?$")
#: Groups that a server reads, whatever its version is called; version groups such as [mariadb-10.11] begin with one.
_SERVER_GROUPS = ("mysqld", "server", "mariadb", "mariadbd", "client-server", "galera")
_OTHER_GROUPS = ("mariadb-client", "mariadb-dump", "mysqld_safe", "mysqld_multi", "mariadbd-safe")


class MysqlConfError(Exception):
    """Option files that cannot be read, or a setting that would not take effect; the text says where and why."""


class Line(NamedTuple):
    """One line that means something. ``kind``: option, include or includedir; ``name``: the option or the path."""

    path: str
    number: int
    kind: str
    group: str
    name: str
    value: Optional[str]


def parse(path: str, text: str, group: str = "") -> list[Line]:
    """The meaningful lines in order; option names with underscores. Included files go on in no group."""
    found: list[Line] = []
    for number, line in enumerate(text.splitlines(), 1):
        heading = _GROUP.match(line)
        include = _INCLUDE.match(line)
        if heading:
            group = heading.group(1).strip().lower()
        elif include:
            found.append(Line(path, number, include.group(1), group, include.group(2), None))
        elif line.strip()[:1] not in ("#", ";", ""):
            found.extend(_option(path, number, group, line))
    return found


def _option(path: str, number: int, group: str, line: str) -> list[Line]:
    match = _OPTION.match(_without_comment(line))
    if not match:
        return []
    value = match.group(2)
    return [Line(path, number, "option", group, normal(match.group(1)), None if value is None else _unquoted(value))]


def _without_comment(line: str) -> str:
    """A ``#`` starts a comment in the middle of a line too, unless it is inside of quotes."""
    quote = ""
    for position, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#":
            return line[:position]
    return line


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def normal(name: str) -> str:
    """An option's name in the one spelling; ``loose-``, ``set-variable`` style and so on mean the same option."""
    plain = name.lower().replace("-", "_")
    return plain[len("loose_") :] if plain.startswith("loose_") else plain


def is_server_group(group: str) -> bool:
    """Whether the server reads that group."""
    return group not in _OTHER_GROUPS and (
        group in _SERVER_GROUPS or bool(re.match(r"(mysqld|mariadb|mariadbd)-\d", group))
    )


def last(lines: Iterable[Line], name: str) -> Optional[Line]:
    """The line that sets a server's option, as the last one wins; None when none does."""
    found = [line for line in lines if line.kind == "option" and line.name == name and is_server_group(line.group)]
    return found[-1] if found else None
