# Copyright (c) 2026, the closewait.remediation maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the configuration says about programs: their settings, their groups, who starts by itself. Pure."""

from __future__ import annotations

import re
import signal
from typing import NamedTuple, Optional, Union

from ansible_collections.closewait.remediation.plugins.module_utils._supervisor import supervisord_conf_files as files
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf import ConfError
from ansible_collections.closewait.remediation.plugins.module_utils._supervisor.supervisord_conf_files import Tree

Value = Union[int, str, bool]
KINDS = ("program", "eventlistener", "fcgi-program")
#: The defaults of Supervisor 3.x and 4.x; ``killasgroup`` follows ``stopasgroup`` unless set.
DEFAULTS: dict[str, Value] = {"stopwaitsecs": 10, "stopsignal": "TERM", "stopasgroup": False, "killasgroup": False}
_FIRST = ("numprocs_start", "0")
_TRUE = ("yes", "true", "on", "1")
_FALSE = ("no", "false", "off", "0")


class Settings(NamedTuple):
    """How a program is stopped. ``stopwaitsecs`` in seconds; None: set to something that cannot be told from here."""

    stopwaitsecs: Optional[int]
    stopsignal: Optional[str]
    stopasgroup: Optional[bool]
    killasgroup: Optional[bool]


def section(kind: str, name: str) -> str:
    """The name of a program's section."""
    return "%s:%s" % (kind, name)


def check_defined(tree: Tree, part: str) -> None:
    """Raises ConfError unless the section is there with a command, naming what there is instead."""
    if files.value(tree, part, "command") is not None:
        return
    others = ", ".join(item for item in files.names(tree) if is_program(item)) or "none"
    paths = ", ".join(file.path for file in tree.files)
    raise ConfError("there is no [%s] with a command in %s; there are: %s" % (part, paths, others))


def settings(tree: Tree, part: str) -> Settings:
    """What the files say now, with Supervisor's defaults."""
    stopasgroup = as_bool(expanded(tree, part, "stopasgroup", "false"))
    follows = None if stopasgroup is None else str(stopasgroup)
    return Settings(
        as_int(expanded(tree, part, "stopwaitsecs", "10")),
        as_signal(expanded(tree, part, "stopsignal", "TERM")),
        stopasgroup,
        as_bool(expanded(tree, part, "killasgroup", follows)),
    )


def groups(tree: Tree, part: str) -> list[str]:
    """The process groups that run the program: those that list it, else one of its own name."""
    name = _name(part)
    found = [group for group, listed in _listed(tree).items() if name in listed]
    return found if found and not part.startswith("eventlistener:") else [name]


def members(tree: Tree, group: str) -> list[str]:
    """The sections whose processes are in that group."""
    programs = _listed(tree).get(group)
    if programs is None:
        return [item for item in files.names(tree) if _name(item) == group and is_program(item)]
    candidates = (section(kind, name) for name in programs for kind in ("program", "fcgi-program"))
    there = files.names(tree)
    return [item for item in candidates if item in there]


def processes(tree: Tree, group: str) -> dict[str, str]:
    """The section behind each process of a group, by ``group:process``; what cannot be expanded is left out."""
    found: dict[str, str] = {}
    for part in members(tree, group):
        own: dict[str, object] = {"program_name": _name(part), "group_name": group}
        number, first = (as_int(expanded(tree, part, key, start)) for key, start in (("numprocs", "1"), _FIRST))
        pattern = files.value(tree, part, "process_name") or "%(program_name)s"
        for count in range(first or 0, (first or 0) + (1 if number is None else number)):
            process = files.expand(pattern, {**tree.expansions, **own, "process_num": count})
            found["%s:%s" % (group, process)] = part
    return found


def starts_by_itself(tree: Tree, part: str) -> bool:
    """``autostart``; true also when that cannot be told."""
    return as_bool(expanded(tree, part, "autostart", "true")) is not False


def command(tree: Tree, part: str) -> str:
    """The command of a program; expanded as far as it can be."""
    raw = files.value(tree, part, "command") or ""
    return expanded(tree, part, "command", "") or raw


def as_int(text: Optional[str]) -> Optional[int]:
    """A number of seconds."""
    return int(text) if text is not None and re.match(r"\s*-?\d+\s*\Z", text) else None


def as_bool(text: Optional[str]) -> Optional[bool]:
    """A truth value in Supervisor's words."""
    word = (text or "").strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def as_signal(text: Optional[str]) -> Optional[str]:
    """``TERM`` for ``TERM``, ``sigterm`` and ``15``."""
    word = (text or "").strip().upper()
    names = {item.value: item.name[3:] for item in signal.Signals}
    if word.isdigit():
        return names.get(int(word))
    word = word[3:] if word.startswith("SIG") else word
    return word if word in names.values() else None


def expanded(tree: Tree, part: str, option: str, default: Optional[str]) -> Optional[str]:
    """The value of an option with what it refers to put in; None where that is not known."""
    raw = files.value(tree, part, option)
    if raw is None:
        return default
    own = {"program_name": _name(part), "group_name": groups(tree, part)[0]} if is_program(part) else {}
    return files.expand(raw, {**tree.expansions, **own})


def is_program(part: str) -> bool:
    """Whether a section defines something that supervisord runs."""
    return part.partition(":")[0] in KINDS


def _listed(tree: Tree) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in files.names(tree):
        if item.startswith("group:"):
            words = (expanded(tree, item, "programs", "") or "").split(",")
            found[_name(item)] = [word.strip() for word in words]
    return found


def _name(part: str) -> str:
    return part.partition(":")[2].strip()
